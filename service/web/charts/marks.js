// @ts-check
/** What is marked on a chart: best epochs, where a run went on, stretches that a comment speaks of, and names at the ends. */

import { replace, svg } from '../dom.js';

/** @typedef {{key: string, from: number, to: number, severity: string, text: string, chosen: boolean}} Range */

/**
 * @param {import('./line_chart.js').LineChart} chart
 * @param {import('./line_chart.js').Plot} plot
 * @param {number} em
 */
export function drawMarks(chart, plot, em) {
  const { scene } = plot;
  replace(chart.ranges, scene.ranges.filter((each) => each.chosen).map((each) => range(each, plot)));
  replace(
    chart.marks,
    scene.lines.flatMap((line) => line.marks.map((mark) => moment(mark, line, plot, em))),
    scene.lines.map((line) => [best(line, plot, em), end(line, plot)]),
    scene.named ? names(plot, em) : null,
  );
}

/**
 * @param {Range} each
 * @param {import('./line_chart.js').Plot} plot
 */
function range({ from, to, severity }, { x, box }) {
  const left = Math.max(box.left, x.to(from));
  const right = Math.min(box.right, x.to(to));
  if (right < box.left || left > box.right) return null;
  return svg('rect', { class: `chart__range chart__range--${severity}`, x: left - 1, y: box.top, width: Math.max(2, right - left + 2), height: box.bottom - box.top });
}

/**
 * A run's best epoch is ringed, and named where the run is alone.
 * @param {import('./reading.js').Line} line
 * @param {import('./line_chart.js').Plot} plot
 * @param {number} em
 */
function best({ best: found, run, colour }, { x, y, box, scene }, em) {
  if (!found || found.x < scene.domain[0] || found.x > scene.domain[1]) return null;
  const [left, top] = [x.to(found.x), y.to(found.y)];
  if (!Number.isFinite(top) || top < box.top - 4 || top > box.bottom + 4) return null;
  const ring = svg('circle', { class: 'chart__best', cx: left, cy: top, r: 0.36 * em, stroke: colour, dataset: { run } }, svg('title', `best epoch: ${found.epoch}`));
  if (!scene.named) return ring;
  const below = top < (box.top + box.bottom) / 2;
  return [ring, svg('text', { class: 'chart__label', x: left, y: top + (below ? 1.7 : -0.9) * em, 'text-anchor': anchor(left, box, 3 * em) }, `best: ${found.epoch}`)];
}

/**
 * Where a run went on after its worker was lost, or was continued.
 * @param {{x: number, text: string}} mark
 * @param {import('./reading.js').Line} line
 * @param {import('./line_chart.js').Plot} plot
 * @param {number} em
 */
function moment({ x: at, text }, { run, colour }, { x, box, scene }, em) {
  if (at < scene.domain[0] || at > scene.domain[1]) return null;
  const left = x.to(at);
  const title = svg('title', text);
  if (!scene.named) return svg('path', { class: 'chart__moment', stroke: colour, dataset: { run }, d: `M${left} ${box.bottom}v${-0.9 * em}` }, title);
  return [
    svg('path', { class: 'chart__moment', stroke: colour, dataset: { run }, d: `M${left} ${box.top}V${box.bottom}` }, title),
    svg('text', { class: 'chart__label chart__label--moment', x: left + 0.4 * em * (left > box.right - 9 * em ? -1 : 1), y: box.top + 0.9 * em, 'text-anchor': left > box.right - 9 * em ? 'end' : 'start' }, text),
  ];
}

/**
 * A diverged run's last point is crossed out.
 * @param {import('./reading.js').Line} line
 * @param {import('./line_chart.js').Plot} plot
 */
function end({ diverged, xs, ys, run, colour }, { x, y, box, scene }) {
  if (!diverged) return null;
  let i = xs.length - 1;
  while (i >= 0 && !Number.isFinite(ys[i])) i -= 1;
  if (i < 0 || xs[i] < scene.domain[0] || xs[i] > scene.domain[1]) return null;
  const top = Math.max(box.top, Math.min(box.bottom, y.to(ys[i])));
  return svg('path', { class: 'chart__diverged', stroke: colour, dataset: { run }, d: `M${x.to(xs[i])} ${top}m-5-5l10 10m0-10l-10 10` }, svg('title', 'diverged'));
}

/**
 * Each line's name at its last value, pushed apart where two would lie on each other.
 * @param {import('./line_chart.js').Plot} plot
 * @param {number} em
 */
function names({ x, y, box, scene }, em) {
  /** @type {{line: import('./reading.js').Line, top: number, left: number}[]} */
  const found = [];
  for (const line of scene.lines) {
    let i = line.xs.length - 1;
    while (i >= 0 && (line.xs[i] > scene.domain[1] || !Number.isFinite(y.to(line.ys[i])))) i -= 1;
    if (i < 0) continue;
    const top = Math.max(box.top, Math.min(box.bottom, y.to(line.ys[i])));
    found.push({ line, top, left: Math.min(box.right, x.to(line.xs[i])) });
  }
  found.sort((a, b) => a.top - b.top);
  const height = 1.15 * em;
  found.forEach((each, i) => {
    if (i && each.top < found[i - 1].top + height) each.top = found[i - 1].top + height;
  });
  const over = found.length ? found[found.length - 1].top - box.bottom : 0;
  return found.map(({ line, top, left }) =>
    svg('text', { class: `chart__name chart__name--${line.split}`, x: left + 0.5 * em, y: top - Math.max(0, over), dy: '0.32em', fill: line.colour, dataset: { run: line.run } }, line.split === 'val' ? 'validation' : 'training'));
}

/** @param {number} left @param {import('./axes.js').Box} box @param {number} half */
function anchor(left, box, half) {
  return left < box.left + half ? 'start' : left > box.right - half ? 'end' : 'middle';
}
