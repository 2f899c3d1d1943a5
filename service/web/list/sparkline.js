// @ts-check
/** A run's validation accuracy in a few pixels. */

import { svg } from '../dom.js';

export const WIDTH = 120;
export const HEIGHT = 30;
const MARGIN = 2;
const LEAST_ERROR = 0.002;

/**
 * How high an accuracy is drawn, 0 to 1: by the logarithm of the error, so that from 0.9 to 0.99 is as far as from 0 to
 * 0.9. All rows have the same scale.
 * @param {number} accuracy
 */
export function heightOf(accuracy) {
  return Math.log(Math.max(1 - accuracy, LEAST_ERROR)) / Math.log(LEAST_ERROR);
}

/**
 * The `d` of the line over all epochs that the run is to have, so that it grows to the right; a missing figure breaks it.
 * @param {import('./feed.js').Curve} curve
 * @param {number} planned epochs
 */
export function pathOf({ epochs, values }, planned) {
  const width = WIDTH - 2 * MARGIN;
  const height = HEIGHT - 2 * MARGIN;
  let drawing = false;
  return epochs
    .map((epoch, i) => {
      const value = values[i];
      if (value === null) {
        drawing = false;
        return '';
      }
      const x = (MARGIN + (width * (epoch - 1)) / Math.max(1, planned - 1)).toFixed(1);
      const y = (MARGIN + height * (1 - heightOf(value))).toFixed(1);
      const step = drawing ? `L${x} ${y}` : `M${x} ${y}h0`; // h0: a single epoch is a dot
      drawing = true;
      return step;
    })
    .join('');
}

/** An empty one, to be given its line by `draw`. */
export function sparkline() {
  return svg('svg', { class: 'sparkline', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, 'aria-hidden': 'true' }, svg('path'));
}

/**
 * @param {SVGElement} node
 * @param {import('./feed.js').Curve} curve
 * @param {number} planned
 * @param {import('../colours.js').RunColour | null} colour null: the run has none
 */
export function draw(node, curve, planned, colour) {
  const line = /** @type {SVGPathElement} */ (node.firstChild);
  const d = pathOf(curve, planned);
  if (line.getAttribute('d') !== d) line.setAttribute('d', d);
  node.style.setProperty('--colour', colour?.colour ?? 'var(--ink-3)');
  line.setAttribute('stroke-dasharray', colour?.dash ?? '');
}
