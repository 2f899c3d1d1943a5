// @ts-check
/** Curves as a file: the numbers from the service, whole and unrounded, and the picture as it is seen. */

import { h } from '../dom.js';
import { asPng, asSvg, picture, save } from './exporting.js';

/**
 * @param {import('./curve_panel.js').CurvePanel} panel
 * @param {{name: () => string, csv: string}} options `csv`: where the service answers the numbers
 */
export function exports(panel, { name, csv }) {
  const file = () => name().replace(/[^\p{L}\p{N}._-]+/gu, '-').slice(0, 80) || 'curves';
  const drawn = () => picture(panel, { title: name() });
  return h('div', { class: 'chart-controls__export', dataset: { control: 'export' } },
    h('span', { class: 'muted' }, 'Save as'),
    h('a', { class: 'button button--quiet', href: csv, download: '', onClick: (/** @type {Event} */ event) => (/** @type {HTMLAnchorElement} */ (event.currentTarget).download = `${file()}.csv`) }, 'CSV'),
    h('button', { type: 'button', class: 'button button--quiet', onClick: async () => save(await asPng(drawn()), `${file()}.png`) }, 'PNG'),
    h('button', { type: 'button', class: 'button button--quiet', onClick: () => save(asSvg(drawn()), `${file()}.svg`) }, 'SVG'));
}
