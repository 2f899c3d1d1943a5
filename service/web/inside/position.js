// @ts-check
/** How one number of a layer comes about: the patch that is seen, times the kernel, summed up, and the bias. */

import { h } from '../dom.js';
import { count } from '../format.js';
import { diverging, fitting, range } from '../images/pixels.js';
import { numberGrid, short } from './number_grid.js';

const SHOWN = 3;

/**
 * @param {any} found the answer of `/activations/position`
 * @param {{all: boolean, showAll: () => void}} options
 * @returns {HTMLElement[]}
 */
export function position(found, { all, showAll }) {
  const { patch, kernel, products, bias, sum, then } = found;
  /** @type {{i: number, sum: number}[]} */
  const channels = products.map((/** @type {(number | null)[][]} */ grid, /** @type {number} */ i) => ({ i, sum: total(grid) }));
  const order = [...channels].sort((a, b) => Math.abs(b.sum) - Math.abs(a.sum));
  const shown = all ? channels : order.slice(0, SHOWN);
  const seen = fitting(...bounds(patch));
  const weighed = diverging(largest(kernel));
  const multiplied = diverging(largest(products));
  const rows = shown.map(({ i, sum: part }) => h('div', { class: 'product' },
    products.length > 1 ? h('span', { class: 'product__channel muted' }, `map ${i}`) : null,
    numberGrid(patch[i], seen, 'what it sees'), h('span', { class: 'product__sign' }, '×'),
    numberGrid(kernel[i], weighed, 'its weights'), h('span', { class: 'product__sign' }, '='),
    numberGrid(products[i], multiplied, 'products'), h('span', { class: 'product__sign' }, `Σ ${short(part)}`)));
  const rest = channels.reduce((whole, each) => (shown.includes(each) ? whole : whole + each.sum), 0);
  const others = channels.length - shown.length;
  const steps = Object.entries(then).filter(([, value]) => value !== null);
  return [
    ...rows,
    others > 0 ? h('p', h('button', { type: 'button', class: 'button button--quiet', onClick: showAll }, `and ${count(others)} more maps, which add ${short(rest)}`)) : h('span'),
    h('p', { class: 'product__sum' },
      shown.length > 1 || others > 0 ? [...shown.map((each, n) => signed(each.sum, n === 0)), others > 0 ? signed(rest, false) : null] : signed(shown[0].sum, true),
      bias === null ? null : [h('span', { title: 'the bias' }, signed(bias, false)), h('small', { class: 'muted' }, ' bias')], ' = ', h('strong', short4(sum)),
      steps.map(([name, value]) => [h('span', { class: 'muted' }, ` → ${name} → `), h('strong', short4(/** @type {number} */ (value)))])),
    h('p', { class: 'muted' }, `The network itself, in single precision, computed ${short4(found.value)}.`),
  ];
}

/** @param {number | null} value */
function short4(value) {
  return value === null ? 'not finite' : value.toFixed(4);
}

/** @param {number} value @param {boolean} first */
function signed(value, first) {
  const text = short(Math.abs(value));
  return first ? `${value < 0 ? '−' : ''}${text}` : ` ${value < 0 ? '−' : '+'} ${text}`;
}

/** @param {(number | null)[][]} grid */
function total(grid) {
  return grid.reduce((sum, row) => sum + row.reduce((/** @type {number} */ part, value) => part + (value ?? 0), 0), 0);
}

/** @param {(number | null)[][][]} stack @returns {[number, number]} */
function bounds(stack) {
  const all = stack.map(range);
  return [Math.min(...all.map((each) => each[0])), Math.max(...all.map((each) => each[1]))];
}

/** @param {(number | null)[][][]} stack */
function largest(stack) {
  const [least, greatest] = bounds(stack);
  return Math.max(-least, greatest);
}
