// @ts-check
/** Which pixels an answer rests on: slopes, what is lost where they are blanked, and a linear network's whole account. */

import { segments } from '../charts/controls.js';
import { h, replace, write } from '../dom.js';
import { Problem } from '../http.js';
import { classes } from '../images/classes.js';
import { diverging, greys, range } from '../images/pixels.js';
import { painted } from '../images/shown.js';
import { newest } from '../newest.js';
import { Cells } from './cells.js';
import { short } from './number_grid.js';
import { look } from './subject.js';

/** @typedef {{way: 'slope' | 'blank' | 'account', digit: number | null, against: number | null}} Question */
/** @typedef {{of: import('./subject.js').Subject, checkpoint: string}} With */

/** Of these layers alone the logits are a sum over the pixels. */
const LINEAR = /^(Linear|Conv2d|BatchNorm[12]d|AvgPool2d|Flatten|Dropout|Identity)$/;

/** @param {URLSearchParams} params @returns {Question} */
export function asked(params) {
  const way = params.get('why');
  const number = (/** @type {string} */ name) => (/^\d{1,3}$/.test(params.get(name) ?? '') ? Number(params.get(name)) : null);
  return { way: way === 'blank' || way === 'account' ? way : 'slope', digit: number('class'), against: way === 'account' ? number('against') : null };
}

/** @param {string} id @param {Question} question @param {string} checkpoint */
export function address(id, { way, digit, against }, checkpoint) {
  const query = new URLSearchParams({ checkpoint });
  if (way === 'blank') query.set('method', 'occlusion');
  if (way === 'account') query.set('input', 'ink');
  if (digit !== null) query.set('digit', String(digit));
  if (against !== null) query.set('against', String(against));
  return `/v1/experiments/${id}/${way === 'account' ? 'contributions' : 'saliency'}?${query}`;
}

export class Reasons {
  /** @param {{id: string, signal: AbortSignal, labels: string[], set: (changes: Record<string, string | null>) => void}} options */
  constructor({ id, signal, labels, set }) {
    this.id = id;
    this.signal = signal;
    this.labels = labels;
    /** @type {any} */
    this.found = null;
    this.ways = segments('What is asked of the pixels', [['slope', 'Slope'], ['blank', 'Blanked'], ['account', 'Account']], (way) => set({ why: way === 'slope' ? null : way, against: null }));
    this.digit = classes(labels, 'what it reads', (value) => set({ class: value }));
    this.against = classes(labels, 'the runner-up', (value) => set({ against: value }));
    this.rival = h('label', { class: 'inline' }, ' over ', this.against);
    this.said = h('p');
    this.value = h('p', { class: 'muted reasons__value', role: 'status' });
    this.cells = new Cells({ title: 'What each pixel counts', picked: (row, column) => this.tell(row, column), passed: (row, column) => this.tell(row, column) });
    this.others = h('div', { class: 'reasons__pictures' });
    this.legend = h('div', { class: 'legend', 'aria-hidden': 'true' }, h('span'), h('span', { class: 'legend__scale' }), h('span'));
    this.wrong = h('p', { class: 'bad', role: 'alert' });
    this.body = h('div', { class: 'reasons__body' }, this.others, h('figure', { class: 'reasons__map' }, this.cells.node, h('figcaption', this.legend)), h('div', { class: 'reasons__text' }, this.said, this.value));
    this.node = h('section', { class: 'panel reasons', 'aria-labelledby': 'reasons-title' },
      h('div', { class: 'row row--apart' }, h('h3', { id: 'reasons-title' }, 'Which pixels it rests on'),
        h('div', { class: 'row', dataset: { control: 'reasons' } }, this.ways.node, h('label', { class: 'inline' }, 'for ', this.digit), this.rival)),
      this.wrong, this.body);
    this.body.hidden = true;
    this.put = newest(({ question, of, checkpoint }) => look(address(id, question, checkpoint), of, signal), (found, { question }) => this.take(found, question), (error) => this.fail(error));
  }

  /**
   * @param {Question} question
   * @param {With} with_
   * @param {any[]} layers of the network
   */
  ask(question, with_, layers) {
    this.ways.enable('account', layers.every(({ type }) => LINEAR.test(type)) || question.way === 'account');
    this.ways.choose(question.way);
    this.digit.value = question.digit === null ? '' : String(question.digit);
    this.against.value = question.against === null ? '' : String(question.against);
    this.rival.hidden = question.way !== 'account';
    this.put({ question, ...with_ });
  }

  /** @param {any} found @param {Question} question */
  take(found, { way }) {
    if (this.signal.aborted) return;
    const [least, greatest] = range(found.map);
    const scale = Math.max(-least, greatest);
    this.found = found;
    this.body.hidden = false;
    write(this.wrong, '');
    write(this.said, way === 'account' ? account(found) : way === 'blank' ? blanked(found) : sloped(found));
    replace(this.others,
      way === 'account' ? figure(found.image.pixels, greys(0, 255), 'The image') : null,
      way === 'account' ? [h('span', { class: 'product__sign' }, '×'), figure(found.weights, diverging(Math.max(...range(found.weights).map(Math.abs))), 'Weights'), h('span', { class: 'product__sign' }, '=')] : null);
    this.cells.paint(found.map, diverging(scale));
    write(this.legend.firstChild, short(-scale));
    write(this.legend.lastChild, short(scale));
    if (this.cells.chosen) this.tell(...this.cells.chosen);
    else write(this.value, 'Point at a pixel to read its number.');
  }

  /** @param {number} row @param {number} column */
  tell(row, column) {
    const value = this.found.map[row]?.[column];
    const grey = this.found.image.pixels[row]?.[column];
    if (value === undefined) return;
    this.cells.choose([row, column]);
    write(this.value, `Row ${row}, column ${column}: ${value === null ? 'no number' : value.toPrecision(3)}, where the image has grey ${grey}.`);
  }

  /** @param {any} error */
  fail(error) {
    if (this.signal.aborted) return;
    if (!(error instanceof Problem)) throw error;
    this.body.hidden = true;
    write(this.wrong, [...error.errors.map((each) => each.detail), error.message][0]);
  }
}

/** @param {any} found */
function sloped({ labels, digit, value }) {
  return `How fast the logit of ${labels[digit]}, which is ${fixed(value, 2)}, changes with the grey of each pixel, from 0 to 1: orange raises it, blue lowers it. It is the slope at this image, and no account of the whole.`;
}

/** @param {any} found */
function blanked({ labels, digit, value, occlusion: { window, stride } }) {
  return `What the logit of ${labels[digit]}, which is ${fixed(value, 2)}, loses when a square of ${window} × ${window} pixels is blanked, every ${stride === 1 ? 'pixel' : `${stride} pixels`}: orange speaks for ${labels[digit]}, blue against it. A pixel has the mean of the squares that hold it.`;
}

/** @param {any} found */
function account({ labels, digit, against, pixels, bias, gap, network_gap: own }) {
  return `Grey times weight, pixel by pixel, adds up to ${fixed(pixels, 3)}; with ${fixed(bias, 3)}, which a blank image has, that is ${fixed(gap, 3)}: by so much the logit of ${labels[digit]} is above that of ${labels[against]}. Nothing is left out: the network itself computed ${fixed(own, 3)}.`;
}

/** @param {import('../images/pixels.js').Grid} grid @param {import('../images/pixels.js').Palette} palette @param {string} title */
function figure(grid, palette, title) {
  return h('figure', { class: 'reasons__picture' }, painted(grid, palette, { role: 'img', 'aria-label': title }), h('figcaption', { class: 'muted' }, title));
}

/** @param {number | null} value @param {number} digits */
function fixed(value, digits) {
  return value === null ? 'not finite' : value.toFixed(digits);
}
