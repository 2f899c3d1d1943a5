// @ts-check
/** What is on the slate, step by step: a picture that was put there, strokes over it, and what was undone. */

/**
 * @typedef {[number, number]} Point in units of the slate's height, from its upper left corner
 * @typedef {{width: number, erase: boolean, points: Point[]}} Stroke
 * @typedef {{picture: string | null, strokes: Stroke[]}} Drawing `picture` is a PNG in base64 below the strokes
 */

const STEPS_KEPT = 200;

/** @returns {Drawing} */
export function nothing() {
  return { picture: null, strokes: [] };
}

export class Strokes {
  /** @param {Drawing} [drawing] */
  constructor(drawing = nothing()) {
    this.drawing = drawing;
    /** @type {Drawing[]} */
    this.past = [];
    /** @type {Drawing[]} */
    this.future = [];
  }

  get empty() {
    return !this.drawing.picture && !this.drawing.strokes.length;
  }

  /** True where a picture is there as it was put: nothing was drawn over it. */
  get untouched() {
    return this.drawing.picture !== null && !this.drawing.strokes.length;
  }

  /** @param {Point} point @param {{width: number, erase: boolean}} pen */
  begin(point, { width, erase }) {
    this.step({ ...this.drawing, strokes: [...this.drawing.strokes, { width, erase, points: [point] }] });
  }

  /** Lengthen the last stroke; what lies where it ended is left out. @param {Point[]} points */
  extend(points) {
    const stroke = this.drawing.strokes.at(-1);
    if (!stroke) return;
    for (const each of points) {
      const [x, y] = stroke.points[stroke.points.length - 1];
      if (each[0] !== x || each[1] !== y) stroke.points.push(each);
    }
  }

  /** This picture in place of all that is there. @param {string} picture PNG in base64 */
  put(picture) {
    this.step({ picture, strokes: [] });
  }

  clear() {
    if (!this.empty) this.step(nothing());
  }

  undo() {
    this.move(this.past, this.future);
  }

  redo() {
    this.move(this.future, this.past);
  }

  /** @param {Drawing} drawing */
  step(drawing) {
    this.past = [...this.past, this.drawing].slice(-STEPS_KEPT);
    this.future = [];
    this.drawing = drawing;
  }

  /** @param {Drawing[]} from @param {Drawing[]} to */
  move(from, to) {
    const found = from.pop();
    if (!found) return;
    to.push(this.drawing);
    this.drawing = found;
  }
}

/**
 * Draw strokes; a curve goes through the middles between points, so that a quick hand gives no corners.
 * @param {CanvasRenderingContext2D} context
 * @param {Stroke[]} strokes
 * @param {{height: number, ink: string, ground: string}} on pixels of the canvas' height, and its two colours
 */
export function trace(context, strokes, { height, ink, ground }) {
  context.lineCap = 'round';
  context.lineJoin = 'round';
  for (const { width, erase, points } of strokes) {
    context.strokeStyle = erase ? ground : ink;
    context.lineWidth = width * height;
    context.beginPath();
    context.moveTo(points[0][0] * height, points[0][1] * height);
    for (let i = 1; i < points.length - 1; i += 1) {
      const [x, y] = points[i];
      const [nextX, nextY] = points[i + 1];
      context.quadraticCurveTo(x * height, y * height, ((x + nextX) / 2) * height, ((y + nextY) / 2) * height);
    }
    const [x, y] = points[points.length - 1];
    context.lineTo(x * height, y * height);
    context.stroke();
  }
}
