// @ts-check
/** Loss and accuracy side by side: one view, one crosshair and one zoom for both, drawn anew when anything changes. */

import { h } from '../dom.js';
import { loss, percent } from '../format.js';
import { controls, read } from './controls.js';
import { Crosshair } from './crosshair.js';
import { LineChart } from './line_chart.js';
import { ofGroups, ofRuns } from './lines.js';
import { reach } from './reading.js';
import { bindKeys, press } from './panel_keys.js';
import { ChartTable } from './table.js';
import { listen, moved, scaled, shown, written } from './zoom.js';

/** @typedef {import('./lines.js').Run} Run */
/** @typedef {import('./lines.js').Group} Group */
/** @typedef {{runs: Run[], groups: Group[] | null, ranges: import('./marks.js').Range[]}} Data */

/** @type {import('./line_chart.js').Kind[]} */
const KINDS = [
  { name: 'loss', title: 'Loss', format: loss, written: (value, digits) => value.toFixed(digits), logarithms: true, least: 0.1 },
  { name: 'accuracy', title: 'Accuracy', format: (value) => percent(value), written: (value, digits) => `${(100 * value).toFixed(Math.max(0, digits - 2))} %`, logarithms: false, least: 0.02, most: 1 },
];

/** Milliseconds after the last change of a view. */
const WRITE_AFTER = 150;

export class CurvePanel {
  /**
   * @param {{signal: AbortSignal, setParams: (changes: Record<string, string | null>) => void, announce: (text: string) => void,
   *   alone?: boolean}} options `alone`: one run, both of whose curves are drawn and named
   */
  constructor({ signal, setParams, announce, alone = false }) {
    this.usual = /** @type {'val' | 'both'} */ (alone ? 'both' : 'val');
    this.alone = alone;
    this.write = setParams;
    this.announce = announce;
    this.params = new URLSearchParams();
    this.view = read(this.params, this.usual);
    /** @type {Record<string, string | null>} what is shown already and not yet in the address */
    this.unwritten = {};
    this.writing = 0;
    /** @type {Data} */
    this.data = { runs: [], groups: null, ranges: [] };
    /** @type {string | null} the run that is meant */
    this.focused = null;
    /** @type {{x: number, chart: LineChart} | null} */
    this.pointed = null;
    /** @type {(run: string | null) => void} */
    this.onFocus = () => {};
    this.controls = controls({ usual: this.usual, set: (changes) => this.set(changes), zoomBy: (factor) => this.zoomBy(factor) });
    this.charts = KINDS.map((kind) => new LineChart(kind));
    this.crosses = this.charts.map((chart) => new Crosshair(chart));
    this.tables = this.charts.map((chart) => new ChartTable(chart));
    this.node = h('section', { class: 'curves', 'aria-label': 'Learning curves' }, alone ? null : h('h2', { class: 'visually-hidden' }, 'Learning curves'), this.controls.node,
      h('div', { class: 'curves__charts' }, this.charts.map((chart, i) => h('div', { class: 'curves__chart' }, chart.node, this.tables[i].node))));
    this.charts.forEach((chart, i) => this.hear(chart, this.crosses[i]));
    bindKeys(this, signal);
    this.waiting = 0;
    signal.addEventListener('abort', () => {
      cancelAnimationFrame(this.waiting);
      clearTimeout(this.writing);
    });
  }

  /** @param {Data} data */
  show(data) {
    this.data = data;
    this.later();
  }

  /** @param {URLSearchParams} params */
  update(params) {
    this.params = new URLSearchParams(params);
    for (const [key, value] of Object.entries(this.unwritten)) alter(this.params, key, value);
    this.view = read(this.params, this.usual);
    this.later();
  }

  /**
   * Seen at once, and in the address a little later: a browser takes a slider's hundred steps for an attack on it.
   * @param {Record<string, string | null>} changes
   */
  set(changes) {
    Object.assign(this.unwritten, changes);
    this.update(this.params);
    clearTimeout(this.writing);
    this.writing = window.setTimeout(() => {
      const unwritten = this.unwritten;
      this.unwritten = {};
      this.write(unwritten);
    }, WRITE_AFTER);
  }

  /** However much changes, a frame is drawn once. */
  later() {
    cancelAnimationFrame(this.waiting);
    this.waiting = requestAnimationFrame(() => this.draw());
  }

  draw() {
    const { runs, groups, ranges } = this.data;
    const { view } = this;
    const axis = groups ? 'epoch' : view.axis;
    this.controls.show(view, { timeless: groups !== null });
    this.charts.forEach((chart) => {
      const choice = { figure: /** @type {'loss' | 'accuracy'} */ (chart.kind.name), split: view.split, axis: /** @type {'epoch' | 'time'} */ (axis), weight: view.weight };
      const lines = groups ? ofGroups(runs, groups, choice) : ofRuns(runs, choice);
      this.whole = reach(lines);
      chart.draw({ lines, domain: shown(view.zoom, this.whole), axis: choice.axis, log: view.log, named: this.alone, ranges });
    });
    this.mark();
    this.point(this.pointed);
    for (const table of this.tables) table.fill();
  }

  /**
   * The run that is meant stands out, the others fade.
   * @param {string | null} run
   */
  focus(run) {
    if (run === this.focused) return;
    this.focused = run;
    this.mark();
    this.onFocus(run);
  }

  mark() {
    for (const chart of this.charts) {
      chart.node.classList.toggle('chart--focused', this.focused !== null);
      for (const each of chart.picture.querySelectorAll('[data-run]')) each.classList.toggle('is-focus', each.dataset.run === this.focused);
    }
  }

  /**
   * Put the crosshair at a place of the axis, or away; the card with the values is at one of the charts.
   * @param {{x: number, chart: LineChart} | null} place
   */
  point(place) {
    this.pointed = place;
    this.crosses.forEach((cross, i) => (place ? cross.show(place.x, { card: this.charts[i] === place.chart, focus: this.focused }) : cross.hide()));
  }

  /** @param {LineChart} chart @param {Crosshair} cross */
  hear(chart, cross) {
    const { stage } = chart;
    const whole = () => this.whole ?? [0, 1];
    listen(chart, { whole, choose: (domain) => this.set({ zoom: written(domain) }) });
    stage.addEventListener('pointermove', (/** @type {PointerEvent} */ event) => {
      if (!chart.plot) return;
      const edge = stage.getBoundingClientRect();
      const at = Math.max(chart.plot.box.left, Math.min(chart.plot.box.right, event.clientX - edge.left));
      const x = this.snapped(chart.plot.x.from(at), chart);
      if (!this.alone) this.focus(cross.nearest(x, event.clientY - edge.top));
      this.point({ x, chart });
    });
    stage.addEventListener('pointerleave', (/** @type {PointerEvent} */ event) => {
      if (event.pointerType === 'touch') return; // what a finger has found stays when it is lifted
      this.point(null);
      this.focus(null);
    });
    stage.addEventListener('blur', () => this.point(null));
    stage.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => press(this, event, chart, cross));
  }

  /** @param {number} x @param {LineChart} chart */
  snapped(x, chart) {
    const { plot } = chart;
    if (!plot) return x;
    const found = plot.scene.lines.map((line) => line.xs).sort((a, b) => b.length - a.length)[0];
    if (plot.scene.axis === 'time' || !found?.length) return x;
    const [low, high] = plot.scene.domain;
    return Math.max(Math.ceil(low), Math.min(Math.floor(high), Math.round(x)));
  }

  /** Closer or farther by a factor; null for all. @param {number | null} factor */
  zoomBy(factor) {
    const whole = this.whole ?? [0, 1];
    const domain = shown(this.view.zoom, whole);
    this.set({ zoom: written(factor === null ? null : scaled(domain, factor, this.pointed?.x ?? (domain[0] + domain[1]) / 2, whole)) });
  }

  /** @param {number} share */
  pan(share) {
    if (this.view.zoom && this.whole) this.set({ zoom: written(moved(shown(this.view.zoom, this.whole), share, this.whole)) });
  }
}

/** @param {URLSearchParams} params @param {string} key @param {string | null} value */
function alter(params, key, value) {
  if (value === null) params.delete(key);
  else params.set(key, value);
}
