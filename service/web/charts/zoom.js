// @ts-check
/** Which part of the axis is seen, and how it is chosen: drag across it, two clicks for all, keys. */

import { svg } from '../dom.js';
import { set } from './line_chart.js';

/** @typedef {[number, number]} Domain */

/** Pixels from which on a press is a drag. */
const DRAGGED = 6;
/** What is seen at least, as a share of all. */
const CLOSEST = 1 / 500;

/**
 * The domain that is shown: what is chosen, as far as it exists, else all.
 * @param {Domain | null} chosen
 * @param {Domain} whole
 * @returns {Domain}
 */
export function shown(chosen, whole) {
  if (!chosen) return whole;
  const low = Math.max(whole[0], Math.min(...chosen));
  const high = Math.min(whole[1], Math.max(...chosen));
  return high - low >= CLOSEST * (whole[1] - whole[0]) ? [low, high] : whole;
}

/**
 * Closer (a factor below 1) or farther, about a place that stays where it is; null where that is all.
 * @param {Domain} domain
 * @param {number} factor
 * @param {number} centre
 * @param {Domain} whole
 * @returns {Domain | null}
 */
export function scaled(domain, factor, centre, whole) {
  const all = whole[1] - whole[0];
  const width = Math.max(CLOSEST * all, (domain[1] - domain[0]) * factor);
  if (width >= all * 0.999) return null;
  const share = (centre - domain[0]) / (domain[1] - domain[0]);
  return within([centre - share * width, centre + (1 - share) * width], whole);
}

/**
 * Moved by a share of what is shown, to the end at most.
 * @param {Domain} domain
 * @param {number} share
 * @param {Domain} whole
 * @returns {Domain}
 */
export function moved([low, high], share, whole) {
  const by = share * (high - low);
  return within([low + by, high + by], whole);
}

/** @param {Domain} domain @param {Domain} whole @returns {Domain} */
function within([low, high], whole) {
  const over = Math.max(0, whole[0] - low) - Math.max(0, high - whole[1]);
  return [Math.max(whole[0], low + over), Math.min(whole[1], high + over)];
}

/** @param {Domain | null} domain */
export function written(domain) {
  return domain && domain.map((each) => String(Number(each.toPrecision(5)))).join(',');
}

/** @param {string | null} text @returns {Domain | null} */
export function parsed(text) {
  const found = (text ?? '').split(',').map(Number);
  return text && found.length === 2 && found.every(Number.isFinite) && found[0] < found[1] ? [found[0], found[1]] : null;
}

/**
 * Hear drags, double clicks and the wheel on a chart.
 * @param {import('./line_chart.js').LineChart} chart
 * @param {{choose: (domain: Domain | null) => void, whole: () => Domain}} panel
 */
export function listen(chart, { choose, whole }) {
  const { stage } = chart;
  const brush = svg('rect', { class: 'chart__brush' });
  /** @type {number | null} */
  let began = null;

  /** @param {PointerEvent | WheelEvent} event */
  const pixel = (event) => event.clientX - stage.getBoundingClientRect().left;

  stage.addEventListener('pointerdown', (/** @type {PointerEvent} */ event) => {
    if (event.button !== 0 || event.pointerType === 'touch' || !chart.plot) return;
    began = pixel(event);
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener('pointermove', (/** @type {PointerEvent} */ event) => {
    if (began === null || !chart.plot) return;
    const { box } = chart.plot;
    const [left, right] = edges(began, pixel(event), box);
    if (right - left < DRAGGED) return;
    set(brush, { x: left, y: box.top, width: right - left, height: box.bottom - box.top });
    chart.picture.append(brush);
  });
  stage.addEventListener('pointerup', (/** @type {PointerEvent} */ event) => {
    const from = began;
    began = null;
    brush.remove();
    if (from === null || !chart.plot) return;
    const [left, right] = edges(from, pixel(event), chart.plot.box);
    if (right - left >= DRAGGED) choose([chart.plot.x.from(left), chart.plot.x.from(right)]);
  });
  stage.addEventListener('pointercancel', () => {
    began = null;
    brush.remove();
  });
  stage.addEventListener('dblclick', () => choose(null));
  stage.addEventListener('wheel', (/** @type {WheelEvent} */ event) => {
    if (!chart.plot) return;
    const { domain } = chart.plot.scene;
    const all = whole();
    const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) && domain[1] - domain[0] < all[1] - all[0];
    if (!event.ctrlKey && !sideways) return; // the page scrolls
    event.preventDefault();
    if (sideways) choose(moved(domain, event.deltaX / 500, all));
    else choose(scaled(domain, Math.exp(event.deltaY / 200), chart.plot.x.from(pixel(event)), all));
  }, { passive: false });
}

/** @param {number} from @param {number} to @param {import('./axes.js').Box} box */
function edges(from, to, { left, right }) {
  const inside = (/** @type {number} */ each) => Math.max(left, Math.min(right, each));
  return [inside(Math.min(from, to)), inside(Math.max(from, to))];
}
