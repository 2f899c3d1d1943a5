// @ts-check
/** The slate that is drawn on, by pen, finger, mouse or keys, and the picture of it that is sent. */

import { h } from '../dom.js';
import { fromBase64, graymap } from '../images/pixels.js';
import { pointed, steered } from './pointers.js';
import { Strokes, trace } from './strokes.js';

/** Rows of the picture that is sent: whole multiples of 28, 16 and 8, the data sets' own. */
const SENT = 112;
const SLATE = '#26312f';
const CHALK = '#f7f4e9';
const FRAME = '#f2c85f';

/** @typedef {{blob: Blob, height: number, empty: boolean, still: boolean}} Sent `still`: no stroke is being drawn */

export class Pad {
  /**
   * @param {{drawing?: import('./strokes.js').Drawing, signal: AbortSignal, changed: () => void}} options `changed` is
   *   called at most once a frame while one draws, and whenever what is there has changed
   */
  constructor({ drawing, signal, changed }) {
    this.strokes = new Strokes(drawing);
    this.changed = changed;
    this.pen = { width: 0.14, erase: false }; // in heights of the slate: thinner strokes are lost in images of 8 x 8 pixels
    this.drawn = false;
    this.wide = false;
    /** @type {number[][]} left, top, width, height in pixels of what is sent */
    this.boxes = [];
    /** @type {{base64: string, bitmap: ImageBitmap} | null} */
    this.below = null;
    /** @type {[number, number] | null} where the keys' pen is */
    this.cursor = null;
    this.sent = h('canvas', { width: SENT, height: SENT });
    this.canvas = h('canvas', { class: 'pad__canvas', tabIndex: 0, role: 'application', 'aria-label': 'Slate: draw a digit here. With the keyboard, arrows move the chalk and Space puts it down or lifts it.' });
    this.hint = h('p', { class: 'pad__hint', 'aria-hidden': 'true' }, 'Draw a digit');
    this.node = h('div', { class: 'pad' }, this.canvas, this.hint);
    pointed(this.canvas, this, signal);
    steered(this.canvas, this, signal);
    const watcher = new ResizeObserver(() => this.paint());
    watcher.observe(this.canvas);
    signal.addEventListener('abort', () => watcher.disconnect());
  }

  /** Width over height. */
  get shape() {
    return this.wide ? 2 : 1;
  }

  /** @param {import('./strokes.js').Point} point */
  begin(point) {
    this.drawn = true;
    this.strokes.begin(point, this.pen);
    this.show();
  }

  /** @param {import('./strokes.js').Point[]} points */
  extend(points) {
    this.strokes.extend(points);
    this.show();
  }

  end() {
    this.drawn = false;
    this.show();
  }

  /** Do what changes the drawing as a whole. @param {(strokes: Strokes) => void} change */
  async change(change) {
    change(this.strokes);
    await this.prepare();
  }

  /** Twice as wide as it is high, for more than one digit. @param {boolean} wide */
  widen(wide) {
    if (wide === this.wide) return;
    this.wide = wide;
    this.node.classList.toggle('pad--wide', wide);
    this.show();
  }

  /** The places of the digits that were found. @param {number[][]} boxes */
  frame(boxes) {
    if (!boxes.length && !this.boxes.length) return;
    this.boxes = boxes;
    this.paint();
  }

  /** Show what is there, once the picture below the strokes is unpacked. */
  async prepare() {
    const { picture } = this.strokes.drawing;
    if (picture && this.below?.base64 !== picture) {
      const bitmap = await createImageBitmap(new Blob([fromBase64(picture)], { type: 'image/png' })).catch(() => null);
      if (bitmap) this.below = { base64: picture, bitmap };
    }
    this.show();
  }

  show() {
    this.boxes = [];
    this.paint();
    this.changed();
  }

  paint() {
    const side = Math.round(this.canvas.clientHeight * devicePixelRatio) || SENT;
    this.render(this.canvas, side, { ink: CHALK, ground: SLATE });
    this.hint.hidden = !this.strokes.empty;
    const context = this.canvas.getContext('2d');
    const scale = side / SENT;
    context.strokeStyle = FRAME;
    context.lineWidth = Math.max(1.5, side / 220);
    for (const [left, top, width, height] of this.boxes) context.strokeRect((left - 2) * scale, (top - 2) * scale, (width + 4) * scale, (height + 4) * scale);
    if (this.cursor) {
      context.beginPath();
      context.arc(this.cursor[0] * side, this.cursor[1] * side, (this.pen.width * side) / 2 + 2, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  /**
   * @param {HTMLCanvasElement} canvas
   * @param {number} height
   * @param {{ink: string, ground: string}} colours
   */
  render(canvas, height, { ink, ground }) {
    const width = height * this.shape;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d', { willReadFrequently: canvas === this.sent }));
    context.globalCompositeOperation = 'source-over';
    context.fillStyle = ground;
    context.fillRect(0, 0, width, height);
    const { picture, strokes } = this.strokes.drawing;
    if (picture && this.below?.base64 === picture) {
      context.imageSmoothingEnabled = this.below.bitmap.height > height;
      context.globalCompositeOperation = 'lighten';
      const shown = Math.min(width, (height * this.below.bitmap.width) / this.below.bitmap.height);
      context.drawImage(this.below.bitmap, (width - shown) / 2, 0, shown, height);
      context.globalCompositeOperation = 'source-over';
    }
    trace(context, strokes, { height, ink, ground });
    return context;
  }

  /** What a network is sent: a picture that nobody drew on goes as it came, to the byte. @returns {Sent} */
  picture() {
    const { picture } = this.strokes.drawing;
    const facts = { empty: this.strokes.empty, still: !this.drawn };
    if (picture && this.strokes.untouched && !this.wide) return { ...facts, blob: new Blob([fromBase64(picture)], { type: 'image/png' }), height: this.below?.bitmap.height ?? SENT };
    const context = this.render(this.sent, SENT, { ink: '#ffffff', ground: '#000000' });
    const { width, height } = this.sent;
    return { ...facts, blob: graymap(context.getImageData(0, 0, width, height).data, width, height), height };
  }

  /** The same as a PNG, to be kept. @returns {Promise<Blob>} */
  async png() {
    const sent = this.picture();
    if (sent.blob.type === 'image/png') return sent.blob;
    return new Promise((resolve) => this.sent.toBlob((/** @type {Blob} */ blob) => resolve(blob), 'image/png'));
  }
}
