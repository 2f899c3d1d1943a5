// @ts-check
/** The keyboard on curves: what is seen of them, and the crosshair from epoch to epoch and from run to run. */

import { bind } from '../keys.js';
import { where } from './crosshair.js';

/** @typedef {import('./curve_panel.js').CurvePanel} CurvePanel */

/** Values said aloud at one place. */
const SAID = 6;

/**
 * The keys of the view, until the signal ends them.
 * @param {CurvePanel} panel
 * @param {AbortSignal} signal
 */
export function bindKeys(panel, signal) {
  const splits = /** @type {const} */ (['val', 'train', 'both']);
  bind({
    l: { label: 'Logarithmic loss on and off', run: () => panel.set({ log: panel.view.log ? null : '1' }) },
    v: { label: 'Validation, training, or both', run: () => panel.set({ split: other(splits[(splits.indexOf(panel.view.split) + 1) % 3], panel.usual) }) },
    x: { label: 'Along epochs or time', run: () => panel.set({ axis: panel.view.axis === 'time' ? null : 'time', zoom: null }) },
    s: { label: 'More smoothing', run: () => panel.set({ smooth: String(Math.min(0.99, Math.round(10 * panel.view.weight + 1) / 10)) }) },
    S: { label: 'Less smoothing', run: () => panel.set({ smooth: other(String(Math.max(0, Math.round(10 * panel.view.weight - 1) / 10)), '0') }) },
    '+': { label: 'Zoom in', run: () => panel.zoomBy(0.5) },
    '-': { label: 'Zoom out', run: () => panel.zoomBy(2) },
    0: { label: 'All epochs', run: () => panel.zoomBy(null) },
    '[': { label: 'Earlier, where zoomed', run: () => panel.pan(-0.25) },
    ']': { label: 'Later, where zoomed', run: () => panel.pan(0.25) },
  }, { signal });
}

/**
 * The keys of a chart that is focused: along the axis, from run to run.
 * @param {CurvePanel} panel
 * @param {KeyboardEvent} event
 * @param {import('./line_chart.js').LineChart} chart
 * @param {import('./crosshair.js').Crosshair} cross
 */
export function press(panel, event, chart, cross) {
  const { plot } = chart;
  if (!plot || event.ctrlKey || event.metaKey || event.altKey) return;
  const [low, high] = plot.scene.domain;
  const stride = (plot.scene.axis === 'epoch' ? 1 : (high - low) / 100) * (event.shiftKey ? 10 : 1);
  const now = panel.pointed?.x ?? high;
  /** @type {Record<string, () => number>} */
  const places = { ArrowLeft: () => now - stride, ArrowRight: () => now + stride, Home: () => low, End: () => high };
  if (event.key in places) {
    const x = panel.snapped(Math.max(low, Math.min(high, panel.pointed ? places[event.key]() : high)), chart);
    panel.point({ x, chart });
    panel.announce(said(cross.read(x), where(x, plot.scene.axis), chart.kind));
  } else if ((event.key === 'ArrowUp' || event.key === 'ArrowDown') && !panel.alone) {
    nextRun(panel, event.key === 'ArrowUp' ? -1 : 1, cross, now);
    panel.point({ x: now, chart });
  } else if (event.key === 'Escape' && panel.pointed) {
    panel.point(null);
    panel.focus(null);
  } else {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
}

/**
 * The next run upwards or downwards.
 * @param {CurvePanel} panel
 * @param {number} by
 * @param {import('./crosshair.js').Crosshair} cross
 * @param {number} x
 */
function nextRun(panel, by, cross, x) {
  const readings = cross.read(x);
  const found = readings.filter(({ line }, i) => readings.findIndex((each) => each.line.run === line.run) === i);
  if (!found.length) return;
  const at = found.findIndex(({ line }) => line.run === panel.focused);
  const { line, y } = found[at < 0 ? 0 : (at + by + found.length) % found.length];
  panel.focus(line.run);
  panel.announce(`${line.label}: ${cross.chart.kind.format(y)}`);
}

/** @param {string} value @param {string} usual what an address need not say */
function other(value, usual) {
  return value === usual ? null : value;
}

/**
 * @param {import('./reading.js').Reading[]} found
 * @param {string} at
 * @param {import('./line_chart.js').Kind} kind
 */
function said(found, at, kind) {
  const values = found.slice(0, SAID).map(({ line, y }) => `${line.label}${line.split === 'train' ? ', training' : ''} ${Number.isFinite(y) ? kind.format(y) : 'not finite'}`);
  return `${kind.title}, ${at}: ${values.join('; ')}`;
}
