// @ts-check
/** What is chosen to be seen of curves, as it stands in the address, and the controls that change it. */

import { h } from '../dom.js';
import { parsed } from './zoom.js';

const MOST_SMOOTHING = 0.99;

/**
 * @typedef {object} View
 * @property {number} weight of smoothing
 * @property {boolean} log
 * @property {'val' | 'train' | 'both'} split
 * @property {'epoch' | 'time'} axis
 * @property {[number, number] | null} zoom
 */

/**
 * What the address says; what it does not say, or says wrongly, is as usual.
 * @param {URLSearchParams} params
 * @param {'val' | 'both'} usual
 * @returns {View}
 */
export function read(params, usual) {
  const weight = Number(params.get('smooth'));
  const split = params.get('split');
  return {
    weight: weight > 0 ? Math.min(weight, MOST_SMOOTHING) : 0,
    log: params.get('log') === '1',
    split: split === 'val' || split === 'train' || split === 'both' ? split : usual,
    axis: params.get('axis') === 'time' ? 'time' : 'epoch',
    zoom: parsed(params.get('zoom')),
  };
}

/**
 * The controls; `show` sets them to a view.
 * @param {{usual: 'val' | 'both', set: (changes: Record<string, string | null>) => void, zoomBy: (factor: number | null) => void}} options
 */
export function controls({ usual, set, zoomBy }) {
  const slider = h('input', { type: 'range', min: 0, max: MOST_SMOOTHING, step: 0.01, 'aria-label': 'Smoothing', onInput: () => smooth(slider.value) });
  const number = h('input', { type: 'number', class: 'smoothing__number', min: 0, max: MOST_SMOOTHING, step: 0.05, 'aria-label': 'Smoothing, as a number', onChange: () => smooth(number.value) });
  const log = h('input', { type: 'checkbox', onChange: () => set({ log: log.checked ? '1' : null }) });
  const split = segments('Curves of', [['val', 'Validation'], ['train', 'Training'], ['both', 'Both']], (value) => set({ split: value === usual ? null : value }));
  const axis = segments('Along', [['epoch', 'Epochs'], ['time', 'Time']], (value) => set({ axis: value === 'epoch' ? null : value, zoom: null }));
  const whole = h('button', { type: 'button', class: 'button button--quiet', onClick: () => zoomBy(null) }, 'All');

  /** @param {string} value */
  function smooth(value) {
    const weight = Math.max(0, Math.min(MOST_SMOOTHING, Number(value) || 0));
    set({ smooth: weight ? String(weight) : null });
  }

  const node = h('div', { class: 'chart-controls' },
    h('label', { class: 'smoothing', dataset: { control: 'smoothing' } }, 'Smoothing', slider, number),
    h('label', { class: 'check', dataset: { control: 'log-scale' } }, log, 'Log scale'),
    h('div', { dataset: { control: 'splits' } }, split.node),
    h('div', { dataset: { control: 'axis' } }, axis.node),
    h('div', { class: 'chart-controls__zoom', dataset: { control: 'zoom' } },
      h('button', { type: 'button', class: 'button button--quiet', 'aria-label': 'Zoom in', title: 'Zoom in (or drag across a chart)', onClick: () => zoomBy(0.5) }, '+'),
      h('button', { type: 'button', class: 'button button--quiet', 'aria-label': 'Zoom out', title: 'Zoom out', onClick: () => zoomBy(2) }, '−'),
      whole));

  /** @param {View} view @param {{timeless: boolean}} options `timeless`: there is no time to be seen along */
  function show(view, { timeless }) {
    if (document.activeElement !== number) number.value = String(view.weight);
    slider.value = String(view.weight);
    log.checked = view.log;
    split.choose(view.split);
    axis.choose(timeless ? 'epoch' : view.axis);
    axis.enable('time', !timeless);
    whole.disabled = !view.zoom;
  }

  return { node, show };
}

/**
 * A choice of few, side by side.
 * @param {string} label
 * @param {[string, string][]} choices
 * @param {(value: string) => void} chosen
 */
export function segments(label, choices, chosen) {
  const name = `segments-${(segments.made += 1)}`;
  const inputs = choices.map(([value]) => h('input', { type: 'radio', name, value, onChange: () => chosen(value) }));
  const node = h('div', { class: 'segments', role: 'radiogroup', 'aria-label': label }, choices.map(([, text], i) => h('label', { class: 'segments__one' }, inputs[i], h('span', text))));
  return {
    node,
    /** @param {string} value */
    choose: (value) => inputs.forEach((each) => (each.checked = each.value === value)),
    /** @param {string} value @param {boolean} whether */
    enable: (value, whether) => inputs.forEach((each) => each.value === value && (each.disabled = !whether)),
  };
}
segments.made = 0;
