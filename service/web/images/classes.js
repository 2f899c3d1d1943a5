// @ts-check
/** A choice of one class of a data set, or of none in particular. */

import { h } from '../dom.js';

/**
 * @param {string[]} labels
 * @param {string} any what the choice of none is called
 * @param {(value: string | null) => void} chosen its number
 * @returns {HTMLSelectElement}
 */
export function classes(labels, any, chosen) {
  return h('select', { class: 'field__input', onChange: (/** @type {any} */ event) => chosen(event.target.value || null) },
    h('option', { value: '' }, any), labels.map((each, i) => h('option', { value: i }, each)));
}
