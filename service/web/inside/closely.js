// @ts-check
/** One map of a layer looked at closely, and one of its numbers taken apart. */

import { h, replace, write } from '../dom.js';
import { Problem } from '../http.js';
import { fitting } from '../images/pixels.js';
import { numbers } from '../images/shown.js';
import { newest } from '../newest.js';
import { Cells } from './cells.js';
import { position } from './position.js';
import { look } from './subject.js';

/** @typedef {{layer: string, map: number, row: number, column: number}} Place */

export class Closely {
  /** @param {{id: string, signal: AbortSignal, set: (changes: Record<string, string | null>) => void}} options */
  constructor({ id, signal, set }) {
    this.id = id;
    this.signal = signal;
    this.all = false;
    /** @type {any} */
    this.asked = null;
    /** @type {any} */
    this.found = null;
    this.title = h('h3');
    this.cells = new Cells({
      title: 'One map',
      picked: (row, column) => set({ row: String(row), column: String(column) }),
      passed: (row, column) => this.ask({ row, column }),
      left: () => this.ask({}),
    });
    this.big = h('div', { class: 'closely__map' }, this.cells.node);
    this.sum = h('div', { class: 'closely__sum' });
    this.node = h('div', { class: 'panel closely' },
      h('header', { class: 'row row--apart' }, this.title, h('button', { type: 'button', class: 'button button--quiet', 'aria-label': 'Close', onClick: () => set({ layer: null, map: null, row: null, column: null }) }, '×')),
      h('div', { class: 'closely__body' }, this.big, this.sum));
    this.put = newest((question) => this.question(question), (found) => this.take(found), (error) => this.fail(error));
  }

  /**
   * @param {any} layer the `LayerMaps` whose map is shown
   * @param {Place} place of the layer with weights that the number comes from
   * @param {{of: import('./subject.js').Subject, checkpoint: string}} with_
   */
  async show(layer, place, with_) {
    this.asked = { place, ...with_ };
    const flat = !layer.png;
    this.big.hidden = flat;
    write(this.title, flat ? `Unit ${place.map} of ${layer.name}` : `Map ${place.map} of ${layer.name}`);
    this.ask({});
    if (flat || !layer.png[place.map]) return;
    const [least, greatest] = [layer.minimum ?? 0, layer.maximum ?? 0];
    const grid = await numbers(layer.png[place.map], least, greatest);
    this.cells.paint(grid, fitting(least, greatest));
  }

  /** Of the place that is chosen, or of one beside it. @param {Partial<Place>} other */
  ask(other) {
    const place = { ...this.asked.place, ...other };
    this.cells.choose([place.row, place.column]);
    this.put({ ...this.asked, place });
  }

  /** @param {{place: Place, of: import('./subject.js').Subject, checkpoint: string}} question */
  question({ place, of, checkpoint }) {
    const query = new URLSearchParams({ checkpoint, layer: place.layer, map: String(place.map), row: String(place.row), column: String(place.column) });
    return look(`/v1/experiments/${this.id}/activations/position?${query}`, of, this.signal);
  }

  /** @param {any} found */
  take(found) {
    if (this.signal.aborted) return;
    this.found = found;
    this.draw();
  }

  draw() {
    replace(this.sum, position(this.found, { all: this.all, showAll: () => { this.all = true; this.draw(); } }));
  }

  /** @param {any} error */
  fail(error) {
    if (this.signal.aborted) return;
    if (!(error instanceof Problem)) throw error;
    replace(this.sum, h('p', { class: 'bad', role: 'alert' }, error.message));
  }
}
