// @ts-check
/** A formula of the API's plain text, as a page shows it: letters in italics, their numbers below, signs for words. */

import { h } from './dom.js';

/** In their order: a letter with its number or index, a name with its own, an index of what is in brackets, a name, a letter, a sign, whatever else. */
const PARTS = /\b([A-Za-z])_?(\d+|(?<=_)[a-z])\b|\b([a-z]{2,})_(\w+)|(?<=\))_([a-z])\b|\b([a-z]{2,})\b|\b([A-Za-z])\b|(\*)|([^A-Za-z*_]+|[A-Za-z]+|_)/g;

/**
 * @param {string} text such as `softmax(W2 relu(W1 x + b1) + b2)`
 * @returns {(Node | string)[]}
 */
export function formula(text) {
  return [...text.matchAll(PARTS)].map(([whole, letter, number, name, index, below, word, single, star]) => {
    if (letter) return h('span', { class: 'formula__letter' }, letter, h('sub', number));
    if (name) return h('span', { class: 'formula__name' }, name, h('sub', index));
    if (below) return h('sub', below);
    if (word) return h('span', { class: 'formula__name' }, word);
    if (single) return h('span', { class: 'formula__letter' }, single);
    return star ? '∗' : whole;
  });
}

/**
 * What a letter stands for: `W1: a matrix of 10*64 weights` or `relu(z) = max(0, z)`.
 * @param {string} text
 * @returns {(Node | string)[]}
 */
export function meaning(text) {
  const [, letters, words] = /^((?:[A-Za-z]\w{0,2}|\*|[a-z]+_?\w*\(z\))): (.*)$/.exec(text) ?? [];
  if (words !== undefined) return [...formula(letters), ': ', ...spoken(words)];
  return text.includes(' = ') ? formula(text) : spoken(text);
}

/** Sizes with a cross between, and letters that are explained within. @param {string} text */
function spoken(text) {
  return text.replace(/(?<=\d)\*(?=\d)/g, ' × ').split(/(?<=; )(?=[A-Za-z]\d?: )/).flatMap((part, i) => (i ? [...formula(part.slice(0, part.indexOf(':'))), part.slice(part.indexOf(':'))] : [part]));
}
