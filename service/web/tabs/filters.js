// @ts-check
/** The weights of a layer as pictures, after any epoch that is stored. */

import { commands, request } from '../commands.js';
import { h, replace, write } from '../dom.js';
import { EpochSlider, missing } from '../epoch_slider.js';
import { count } from '../format.js';
import { Problem, get } from '../http.js';
import { diverging } from '../images/pixels.js';
import { painted } from '../images/shown.js';
import { numberGrid, short } from '../inside/number_grid.js';
import { newest } from '../newest.js';
import { link } from '../router.js';
import { stylesheet } from '../stylesheet.js';
import { numbered } from './mistakes.js';

const AT_ONCE = 128;

/**
 * @param {HTMLElement} root
 * @param {import('../experiment/tabs.js').TabContext} context
 */
export async function show(root, { id, experiment, params, signal, setParams }) {
  await Promise.all([stylesheet('images'), stylesheet('inside')]);
  const layer = h('select', { class: 'field__input', 'aria-label': 'Layer', onChange: () => setParams({ kernels: layer.value, channel: null, unit: null, more: null }) });
  const channel = h('select', { class: 'field__input', 'aria-label': 'Input map', onChange: () => setParams({ channel: channel.value || null }) });
  const slider = new EpochSlider({ signal, changed: (epoch) => setParams({ weights: epoch === 'best' ? null : epoch }) });
  const said = h('p', { class: 'muted', role: 'status' });
  const legend = h('div', { class: 'legend', 'aria-hidden': 'true' }, h('span'), h('span', { class: 'legend__scale' }), h('span'));
  const tiles = h('div', { class: 'tiles' });
  const closely = h('div');
  const more = h('button', { type: 'button', class: 'button', hidden: true, onClick: () => setParams({ more: '1' }) }, 'Show more');
  const how = h('div');
  replace(root, h('div', { class: 'row row--apart' }, h('div', { class: 'row', dataset: { control: 'layer' } }, layer, channel), slider.node), h('div', { class: 'row row--apart' }, said, legend), closely, tiles, more, how);

  let now = params;
  /** @type {any} */
  let found = null;
  const put = newest((path) => get(path, { signal }), (answer) => {
    if (signal.aborted) return;
    found = answer;
    draw();
  }, (error) => {
    if (signal.aborted) return;
    if (!(error instanceof Problem)) throw error;
    write(said, error.message);
  });

  function draw() {
    const palette = diverging(found.scale ?? 0);
    offer(layer, found.layers.map((/** @type {any} */ each) => [each.name, `${each.name} · ${each.weight_shape.join(' × ')}`]), found.layer.name);
    offer(channel, [['', 'mean of all input maps'], ...Array.from({ length: found.channels }, (_, i) => [String(i), `input map ${i}`])], found.channels > 1 ? String(found.channel ?? '') : '');
    channel.hidden = found.channels < 2;
    write(said, `${count(found.total)} ${found.total === 1 ? 'picture' : 'pictures'}: ${found.view}.`);
    write(legend.firstChild, short(found.scale === null ? null : -found.scale));
    write(legend.lastChild, short(found.scale));
    const unit = numbered(now.get('unit'));
    const wide = found.tiles[0]?.values[0].length ?? 1;
    tiles.style.setProperty('--tile', wide <= 9 ? '3.75rem' : wide <= 32 ? '5.5rem' : '100%');
    const held = tiles.contains(document.activeElement) ? document.activeElement?.getAttribute('aria-label') : null;
    replace(tiles, found.tiles.map((/** @type {any} */ each) => each.index === null
      ? painted(each.values, palette, { class: 'tile__whole', role: 'img', 'aria-label': found.view })
      : h('button', { type: 'button', class: 'tile', 'aria-pressed': String(each.index === unit), 'aria-label': `Number ${each.index}`, onClick: () => setParams({ unit: each.index === unit ? null : String(each.index) }) }, painted(each.values, palette, { class: 'tile__picture' }), h('span', { class: 'muted' }, each.index))));
    if (held) /** @type {HTMLElement | null} */ (tiles.querySelector(`[aria-label="${held}"]`))?.focus({ preventScroll: true });
    const tile = found.tiles.find((/** @type {any} */ each) => each.index !== null && each.index === unit);
    replace(closely, tile ? closeUp(tile, palette) : null);
    more.hidden = found.total <= found.tiles.length;
  }

  /** @param {any} tile @param {import('../images/pixels.js').Palette} palette */
  function closeUp(tile, palette) {
    return h('div', { class: 'panel close-up' }, numberGrid(tile.values, palette, `Number ${tile.index} of ${found.layer.name}`),
      h('div', { class: 'close-up__text' },
        h('p', tile.bias === null ? 'It has no bias.' : `Its bias is ${tile.bias.toFixed(4)}.`),
        h('a', { href: link('experiments', id, { tab: 'inside', layer: found.layer.name, map: String(tile.index), row: '0', column: '0', weights: now.get('weights') }) }, 'See what it makes of an image')));
  }

  /** @param {any} run */
  async function follow(run) {
    if (!(await slider.follow(run, () => now.get('weights') ?? 'best'))) return;
    if (slider.stored.epochs.length) put(path());
    else write(said, missing(run));
  }

  function path() {
    const query = new URLSearchParams({ checkpoint: now.get('weights') ?? 'best', limit: now.has('more') ? '1024' : String(AT_ONCE) });
    if (now.get('kernels')) query.set('layer', String(now.get('kernels')));
    if (now.get('channel')) query.set('channel', String(now.get('channel')));
    return `/v1/experiments/${id}/filters?${query}`;
  }

  let shown = '';
  /** @param {URLSearchParams} next @param {any} run */
  function update(next, run) {
    now = next;
    slider.show(slider.stored, now.get('weights') ?? 'best');
    follow(run);
    if (shown === String(now)) return;
    shown = String(now);
    if (slider.stored.epochs.length) put(path());
    commands(how, [request('These weights', path())]);
  }

  update(params, experiment);
  return { update };
}

/** @param {HTMLSelectElement} select @param {string[][]} choices @param {string} chosen */
function offer(select, choices, chosen) {
  const text = choices.join('\n');
  if (select.dataset.choices !== text) replace(select, choices.map(([value, label]) => h('option', { value }, label)));
  select.dataset.choices = text;
  select.value = chosen;
}
