// @ts-check
/** A chart of lines: it draws what it is given, as large as the page lets it be. Who gives it is `curve_panel.js`. */

import { h, svg, write } from '../dom.js';
import { drawAxes, ticksOfY } from './axes.js';
import { UNIT, area, faint, path, visible } from './decimate.js';
import { drawMarks } from './marks.js';
import { extent } from './reading.js';
import { linear, logarithmic } from './scale.js';

/** @typedef {import('./reading.js').Line} Line */
/** @typedef {import('./scale.js').Scale} Scale */

/**
 * @typedef {object} Kind what is the same for every picture of a chart
 * @property {string} name a word for its parts
 * @property {string} title
 * @property {(value: number) => string} format of a value
 * @property {(value: number, digits: number) => string} written of a value at the axis; the digits are those of the step
 * @property {boolean} logarithms whether the scale may be logarithmic
 * @property {number} least what is shown at least, as a share: of the most there can be, else of the highest value
 * @property {number} [most] above which there is nothing
 */

/**
 * @typedef {object} Scene what is drawn
 * @property {Line[]} lines
 * @property {[number, number]} domain
 * @property {'epoch' | 'time'} axis
 * @property {boolean} log
 * @property {boolean} named with each line's name at its end
 * @property {import('./marks.js').Range[]} ranges
 */

/** @typedef {{x: Scale, y: Scale, box: import('./axes.js').Box, scene: Scene}} Plot what was drawn, and where */

let charts = 0;

export class LineChart {
  /** @param {Kind} kind */
  constructor(kind) {
    this.kind = kind;
    /** @type {Plot | null} */
    this.plot = null;
    /** @type {Map<string, {line: SVGElement, raw: SVGElement | null, band: SVGElement | null}>} */
    this.drawn = new Map();
    const clip = `chart-clip-${(charts += 1)}`;
    this.clip = svg('rect', {});
    this.ranges = svg('g', { 'clip-path': `url(#${clip})` });
    this.axes = svg('g');
    this.bands = svg('g');
    this.lines = svg('g', { class: 'chart__lines' });
    this.marks = svg('g');
    this.cross = svg('g', { class: 'chart__cross' });
    this.picture = svg('svg', { class: 'chart__picture', 'aria-hidden': 'true' }, svg('defs', svg('clipPath', { id: clip }, this.clip)),
      this.ranges, this.axes, svg('g', { 'clip-path': `url(#${clip})` }, svg('g', { class: 'chart__scaled', transform: `scale(${UNIT})` }, this.bands, this.lines)),
      this.marks, this.cross);
    this.note = h('span', { class: 'chart__note' });
    this.empty = h('p', { class: 'chart__empty' });
    this.stage = h('div', { class: 'chart__stage', tabIndex: 0, role: 'group', 'aria-roledescription': 'chart', 'aria-label': kind.title }, this.picture, this.empty);
    this.node = h('figure', { class: `chart chart--${kind.name}`, dataset: { chart: kind.name } },
      h('figcaption', { class: 'chart__caption' }, h('h3', kind.title), this.note), this.stage);
    /** @type {Scene | null} */
    this.scene = null;
    this.size = { width: 0, height: 0, em: 13 };
    new ResizeObserver(() => this.measure()).observe(this.stage);
  }

  measure() {
    const em = parseFloat(getComputedStyle(this.picture).fontSize);
    const { clientWidth: width, clientHeight: height } = this.stage;
    if (width === this.size.width && height === this.size.height && em === this.size.em) return;
    this.size = { width, height, em };
    if (this.scene) this.draw(this.scene);
  }

  /** @param {Scene} scene */
  draw(scene) {
    this.scene = scene;
    const { width, height, em } = this.size;
    if (width < 40 || height < 40) return;
    const log = scene.log && this.kind.logarithms;
    const there = extent(scene.lines, scene.domain, { log });
    const found = there ?? { low: log ? 0.1 : 0, high: 1, cut: /** @type {const} */ ('') };
    const begun = scene.lines.some(({ xs }) => xs.length > 0);
    write(this.empty, there ? '' : begun ? 'no finite value here' : 'no epoch to draw');
    this.stage.classList.toggle('chart__stage--empty', !there);
    const box = { left: 0, right: width - (scene.named ? 6.2 * em : 0.9 * em), top: 0.8 * em, bottom: height - 3.3 * em };
    const y = this.scaleOfY(found, log, box);
    const texts = ticksOfY(y, box.bottom - box.top, this.kind.written).map(({ text }) => text.length);
    box.left = em * (1.1 + 0.58 * Math.max(3, ...texts));
    const x = linear(scene.domain, [box.left, box.right]);
    this.plot = { x, y, box, scene };
    set(this.picture, { width, height, viewBox: `0 0 ${width} ${height}` });
    set(this.clip, { x: box.left, y: box.top - 4, width: Math.max(0, box.right - box.left + 4), height: Math.max(0, box.bottom - box.top + 4) });
    drawAxes(this.axes, { x, y, box, em, axis: scene.axis, written: this.kind.written });
    this.drawLines(this.plot);
    drawMarks(this, this.plot, em);
    write(this.note, [log ? 'logarithmic' : '', found.cut ? `some values lie ${found.cut}` : ''].filter(Boolean).join(', '));
  }

  /**
   * @param {{low: number, high: number, cut: string}} found
   * @param {boolean} log
   * @param {import('./axes.js').Box} box
   */
  scaleOfY({ low, high, cut }, log, box) {
    if (log) return logarithmic(low < high ? [low / 1.08, high * 1.08] : [low / 2, low * 2], [box.bottom, box.top]);
    const least = this.kind.least * Math.max(1e-9, this.kind.most ? 1 : Math.abs(high));
    const margin = Math.max(0.05 * (high - low), (least - (high - low)) / 2);
    const bottom = cut === 'below' ? low : low >= 0 ? Math.max(0, low - margin) : low - margin;
    const top = cut === 'above' ? high : Math.min(high + margin, Math.max(this.kind.most ?? Infinity, high));
    return linear([bottom, top], [box.bottom, box.top]);
  }

  /** @param {Plot} plot */
  drawLines({ x, y, scene }) {
    const gone = new Set(this.drawn.keys());
    for (const line of scene.lines) {
      gone.delete(line.key);
      const node = this.drawn.get(line.key) ?? this.add(line);
      const [from, to] = visible(line.xs, scene.domain);
      const solid = line.split === 'val';
      set(node.line, { stroke: line.colour, 'stroke-dasharray': solid ? line.dash.replace(/\d+/g, (each) => String(Number(each) / UNIT)) : null, d: path(line.xs, line.ys, x.to, y.to, from, to) });
      set(node.raw, { stroke: line.colour, d: line.raw ? faint(line.xs, line.raw, x.to, y.to, from, to) : '' });
      set(node.band, { fill: line.colour, d: line.band ? area(line.xs, line.band.low, line.band.high, x.to, y.to, from, to) : '' });
    }
    for (const key of gone) {
      const node = this.drawn.get(key);
      for (const each of [node?.line, node?.raw, node?.band]) each?.remove();
      this.drawn.delete(key);
    }
  }

  /** @param {Line} line */
  add(line) {
    const dataset = { run: line.run, split: line.split };
    const node = {
      line: svg('path', { class: `chart__line chart__line--${line.split}`, dataset }),
      raw: svg('path', { class: 'chart__line chart__line--raw', dataset }),
      band: svg('path', { class: 'chart__band', dataset }),
    };
    this.bands.append(node.band);
    this.lines.prepend(node.raw);
    this.lines.append(node.line);
    this.drawn.set(line.key, node);
    return node;
  }
}

/**
 * Only what has changed: an attribute that is set is drawn anew.
 * @param {Element | null} node
 * @param {Record<string, string | number | null>} attributes
 */
export function set(node, attributes) {
  if (!node) return;
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === '') {
      if (node.hasAttribute(name)) node.removeAttribute(name);
    } else if (node.getAttribute(name) !== String(value)) {
      node.setAttribute(name, String(value));
    }
  }
}
