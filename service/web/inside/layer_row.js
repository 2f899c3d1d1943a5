// @ts-check
/** What one layer makes of the image: its maps side by side, or its numbers. */

import { h, replace, write } from '../dom.js';
import { count, percent } from '../format.js';
import { fitting } from '../images/pixels.js';
import { numbers, paint } from '../images/shown.js';
import { Cells } from './cells.js';
import { folded, short } from './number_grid.js';

const FIRST = 16;

/** Made once a layer and then told what it makes of another image, or at another epoch: what is focused in it stays so. */
export class LayerRow {
  /**
   * @param {any} layer a `LayerMaps`
   * @param {object} options
   * @param {string | null} options.by the layer with weights whose numbers these are, or come from one by one; null: none
   * @param {(map: number) => void} options.opened
   */
  constructor(layer, { by, opened }) {
    this.layer = layer;
    this.by = by;
    this.opened = opened;
    this.all = false;
    /** That is looked at. @type {number | null} */
    this.map = null;
    /** @type {HTMLCanvasElement[]} */
    this.pictures = [];
    /** @type {Cells | null} */
    this.cells = null;
    this.facts = h('p', { class: 'muted' });
    this.body = h('div', { class: 'maps' });
    this.more = h('p', h('button', { type: 'button', class: 'button button--quiet', onClick: () => this.showAll() }, `All ${count(layer.shape[0])} maps`));
    this.rest = h('p', { class: 'muted' });
    this.node = h('section', { class: 'layer', 'aria-label': layer.name },
      h('header', { class: 'layer__head' }, h('h3', layer.name), this.facts), this.body, this.more, this.rest);
  }

  /** @param {any} layer as it is now @param {number | null} map */
  show(layer, map) {
    const other = layer !== this.layer || !this.body.childElementCount;
    this.layer = layer;
    this.map = map;
    const { type, shape, minimum, maximum, zeros, png } = layer;
    const many = png?.length ?? 0;
    write(this.facts, `${type} · ${shape.join(' × ')} · ${short(minimum)} to ${short(maximum)}${zeros > 0 ? ` · ${percent(zeros, 0)} zeros` : ''}`);
    this.more.hidden = this.all || many <= FIRST;
    this.rest.hidden = !this.all || many >= shape[0];
    write(this.rest, `The first ${many} of ${count(shape[0])}.`);
    if (!png) this.showNumbers();
    else if (other) this.paint();
    else this.mark();
  }

  showAll() {
    this.all = true;
    this.paint();
    this.show(this.layer, this.map);
  }

  async paint() {
    const { layer } = this;
    const [least, greatest] = [layer.minimum ?? 0, layer.maximum ?? 0];
    const grids = await Promise.all(layer.png.slice(0, this.all ? undefined : FIRST).map((/** @type {string} */ each) => numbers(each, least, greatest)));
    if (layer !== this.layer) return;
    while (this.pictures.length < grids.length) this.body.append(this.picture());
    grids.forEach((grid, i) => paint(this.pictures[i], grid, fitting(least, greatest)));
    this.mark();
  }

  /** One more of them. */
  picture() {
    const map = this.pictures.length;
    const canvas = h('canvas', { class: 'pixels map__picture' });
    this.pictures.push(canvas);
    const title = `map ${map}`;
    if (this.by === null) return h('span', { class: 'map', title }, canvas);
    return h('button', { type: 'button', class: 'map', title, 'aria-label': `Map ${map} of ${this.layer.name}`, onClick: () => this.opened(map) }, canvas);
  }

  mark() {
    if (this.by !== null) this.pictures.forEach((each, i) => each.parentElement?.setAttribute('aria-pressed', String(this.map === i)));
  }

  showNumbers() {
    const { layer } = this;
    const grid = folded([layer.values]);
    const columns = grid[0].length;
    const palette = fitting(layer.minimum ?? 0, layer.maximum ?? 0);
    if (!this.body.childElementCount) {
      const shape = { class: 'values', style: { '--columns': columns } };
      if (this.by === null) {
        this.pictures = [h('canvas', { ...shape, class: 'pixels values' })];
        replace(this.body, this.pictures);
      } else {
        this.cells = new Cells({ title: `The numbers of ${layer.name}`, picked: (row, column) => this.opened(row * columns + column) });
        this.cells.node.classList.add('values');
        this.cells.node.style.setProperty('--columns', String(columns));
        replace(this.body, this.cells.node);
      }
    }
    if (!this.cells) return paint(this.pictures[0], grid, palette);
    this.cells.paint(grid, palette);
    return this.cells.choose(this.map === null ? null : [Math.floor(this.map / columns), this.map % columns]);
  }
}
