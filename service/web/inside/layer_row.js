// @ts-check
/** What one layer makes of the image: its maps side by side, or its numbers. */

import { h, replace } from '../dom.js';
import { count, percent } from '../format.js';
import { fitting } from '../images/pixels.js';
import { numbers, painted } from '../images/shown.js';
import { Cells } from './cells.js';
import { folded, short } from './number_grid.js';

const FIRST = 16;

/**
 * @param {any} layer a `LayerMaps`
 * @param {object} options
 * @param {string | null} options.by the layer with weights whose numbers these are, or come from one by one; null: none
 * @param {boolean} options.all every map and not the first alone
 * @param {number | null} options.map that is looked at
 * @param {(map: number) => void} options.opened
 * @param {() => void} options.showAll
 * @returns {HTMLElement}
 */
export function layerRow(layer, { by, all, map, opened, showAll }) {
  const body = h('div', { class: 'maps' });
  const many = layer.png?.length ?? 0;
  const shown = all ? many : Math.min(FIRST, many);
  if (layer.png) fill(body, layer, { shown, by, map, opened });
  else replace(body, values(layer, { by, map, opened }));
  return h('section', { class: 'layer', 'aria-label': layer.name },
    h('header', { class: 'layer__head' }, h('h3', layer.name), h('p', { class: 'muted' }, `${layer.type} · ${layer.shape.join(' × ')} · ${short(layer.minimum)} to ${short(layer.maximum)}${layer.zeros > 0 ? ` · ${percent(layer.zeros, 0)} zeros` : ''}`)),
    body,
    shown < many ? h('p', h('button', { type: 'button', class: 'button button--quiet', onClick: showAll }, `All ${count(layer.shape[0])} maps`)) : null,
    all && many < layer.shape[0] ? h('p', { class: 'muted' }, `The first ${many} of ${count(layer.shape[0])}.`) : null);
}

/** @param {HTMLElement} body @param {any} layer @param {{shown: number, by: string | null, map: number | null, opened: (map: number) => void}} options */
async function fill(body, layer, { shown, by, map, opened }) {
  const palette = fitting(layer.minimum ?? 0, layer.maximum ?? 0);
  const grids = await Promise.all(layer.png.slice(0, shown).map((/** @type {string} */ each) => numbers(each, layer.minimum ?? 0, layer.maximum ?? 0)));
  replace(body, grids.map((grid, i) => {
    const canvas = painted(grid, palette, { class: 'map__picture' });
    if (by === null) return h('span', { class: 'map', title: `map ${i}` }, canvas);
    return h('button', { type: 'button', class: 'map', title: `map ${i}`, 'aria-label': `Map ${i} of ${layer.name}`, 'aria-pressed': String(map === i), onClick: () => opened(i) }, canvas);
  }));
}

/** @param {any} layer @param {{by: string | null, map: number | null, opened: (map: number) => void}} options */
function values(layer, { by, map, opened }) {
  const grid = folded([layer.values]);
  const columns = grid[0].length;
  const palette = fitting(layer.minimum ?? 0, layer.maximum ?? 0);
  if (by === null) return painted(grid, palette, { class: 'values', style: { '--columns': columns } });
  const cells = new Cells({ title: `The numbers of ${layer.name}`, picked: (row, column) => opened(row * columns + column) });
  cells.node.classList.add('values');
  cells.node.style.setProperty('--columns', String(columns));
  cells.paint(grid, palette);
  cells.choose(map === null ? null : [Math.floor(map / columns), map % columns]);
  return cells.node;
}
