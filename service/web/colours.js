// @ts-check
/** One colour a run, the same in every list, chart and tab, for as long as this browser remembers. */

import { recall, remember } from './store.js';

const KEY = 'colours';
const REMEMBERED = 400;
/** Past eight runs, the line is broken: [] is solid. */
const DASHES = ['', '7 4', '2 4'];
export const COLOURS = 8;
const SLOTS = COLOURS * DASHES.length;

/**
 * @typedef {object} RunColour
 * @property {string} colour a CSS colour: `var(--chalk-…)`, which is another on a light ground than on a dark one
 * @property {string} dash a `stroke-dasharray`; empty for a solid line
 * @property {number} index 0 to 23: which of eight colours and three kinds of line
 */

/**
 * The run's colour. A run that has none yet gets the first that none of `among` has, else the one given least lately.
 * @param {string} runId
 * @param {string[]} [among] runs that it is shown with
 * @returns {RunColour}
 */
export function colourOf(runId, among = []) {
  /** @type {[string, number][]} oldest first */
  const given = recall(KEY, []);
  const found = given.find((each) => each[0] === runId);
  const index = found ? found[1] : free(given, among);
  if (!found) remember(KEY, [...given, [runId, index]].slice(-REMEMBERED));
  return inSlot(index);
}

/** The run's colour where it has one. @param {string} runId */
export function knownColour(runId) {
  const found = recall(KEY, []).find((each) => each[0] === runId);
  return found ? inSlot(found[1]) : null;
}

/** @param {number} index @returns {RunColour} */
function inSlot(index) {
  return { colour: `var(--chalk-${(index % COLOURS) + 1})`, dash: DASHES[Math.floor(index / COLOURS) % DASHES.length], index };
}

/**
 * @param {[string, number][]} given
 * @param {string[]} among
 */
function free(given, among) {
  const taken = new Set(given.filter((each) => among.includes(each[0])).map((each) => each[1]));
  const next = given.length ? (given[given.length - 1][1] + 1) % COLOURS : 0;
  const order = Array.from({ length: SLOTS }, (_, i) => (i < COLOURS ? (next + i) % COLOURS : i));
  return order.find((slot) => !taken.has(slot)) ?? next;
}
