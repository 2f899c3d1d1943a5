// @ts-check
/** How a hand becomes points: one pen, finger or mouse at a time, or the arrow keys. */

const STEP = 0.04;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * @typedef {object} Hand what points are given to
 * @property {number} shape width over height
 * @property {[number, number] | null} cursor
 * @property {(point: [number, number]) => void} begin
 * @property {(points: [number, number][]) => void} extend
 * @property {() => void} end
 * @property {() => void} paint
 */

/**
 * @param {HTMLElement} surface
 * @param {Hand} hand
 * @param {AbortSignal} signal
 */
export function pointed(surface, hand, signal) {
  /** @type {number | null} */
  let held = null;

  /** @param {PointerEvent} event @returns {[number, number]} */
  function place(event) {
    const box = surface.getBoundingClientRect();
    return [(event.clientX - box.left) / box.height, (event.clientY - box.top) / box.height];
  }

  surface.addEventListener('pointerdown', (event) => {
    if (held !== null || event.button !== 0) return;
    held = event.pointerId;
    surface.setPointerCapture(held);
    hand.cursor = null;
    hand.begin(place(event));
  }, { signal });
  surface.addEventListener('pointermove', (event) => {
    if (event.pointerId !== held) return;
    const all = event.getCoalescedEvents?.() ?? [];
    hand.extend((all.length ? all : [event]).map(place));
  }, { signal });
  for (const name of /** @type {const} */ (['pointerup', 'pointercancel', 'lostpointercapture'])) {
    surface.addEventListener(name, (event) => {
      if (event.pointerId !== held) return;
      held = null;
      hand.end();
    }, { signal });
  }
}

/**
 * Arrows move the chalk, Space puts it down and lifts it.
 * @param {HTMLElement} surface
 * @param {Hand} hand
 * @param {AbortSignal} signal
 */
export function steered(surface, hand, signal) {
  let down = false;

  function lift() {
    if (!down) return;
    down = false;
    hand.end();
  }

  surface.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const by = ARROWS[/** @type {keyof typeof ARROWS} */ (event.key)];
    if (!by && event.key !== ' ') return;
    event.preventDefault();
    const [x, y] = (hand.cursor ??= [hand.shape / 2, 0.2]);
    if (by) {
      const step = event.shiftKey ? STEP / 4 : STEP;
      hand.cursor = [Math.max(0, Math.min(hand.shape, x + step * by[0])), Math.max(0, Math.min(1, y + step * by[1]))];
      if (down) hand.extend([hand.cursor]);
      else hand.paint();
    } else if (down) lift();
    else {
      down = true;
      hand.begin(hand.cursor);
    }
  }, { signal });
  surface.addEventListener('blur', () => {
    lift();
    hand.cursor = null;
    hand.paint();
  }, { signal });
}
