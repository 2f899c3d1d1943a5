// @ts-check
/** Points of a picture, and the text of an SVG path through them. Free of the page. */

/** Nothing that lies so many units off is seen. */
const FAR = 1e8;
/** Bytes that a point takes at most: two numbers below twice `FAR`, each with what divides it from the one before. */
const POINT = 2 * 10;
const [MOVE, LINE, DOT, CLOSE, SPACE, MINUS, ZERO] = new TextEncoder().encode('MlhZ -0');
const decoder = new TextDecoder();

/** A list of points, x and y in turn. It is filled again and again: a redraw makes a hundred, and none is thrown away. */
export class Points {
  constructor() {
    this.list = new Int32Array(2048);
    this.length = 0;
  }

  /** Forget them, and have room for so many more. @param {number} count */
  clear(count) {
    this.length = 0;
    this.reserve(count);
  }

  /** @param {number} count */
  reserve(count) {
    if (this.list.length >= this.length + 2 * count) return;
    const list = new Int32Array(2 * (this.length + 2 * count));
    list.set(this.list);
    this.list = list;
  }

  /** To the nearest whole unit. There must be room for it. @param {number} x @param {number} y */
  add(x, y) {
    this.list[this.length] = Math.round(Math.max(-FAR, Math.min(FAR, x)));
    this.list[this.length + 1] = Math.round(Math.max(-FAR, Math.min(FAR, y)));
    this.length += 2;
  }

  /** Those from this place of the list on in the other direction. @param {number} from */
  turn(from) {
    const { list } = this;
    for (let low = from, high = this.length - 2; low < high; low += 2, high -= 2) {
      const x = list[low];
      const y = list[low + 1];
      list[low] = list[high];
      list[low + 1] = list[high + 1];
      list[high] = x;
      list[high + 1] = y;
    }
  }
}

/**
 * A path as it is written, byte by byte: put together from pieces of text it would take twice as long. Each point is
 * written by its way from the one before.
 */
export class PathText {
  constructor() {
    this.bytes = new Uint8Array(1 << 14);
    this.length = 0;
  }

  /** A line through these; through a single one, a dot. @param {Points} points @param {{closed?: boolean}} [options] */
  add({ list, length: end }, { closed = false } = {}) {
    if (!end) return;
    this.reserve(POINT * (end / 2) + 4);
    const { bytes } = this;
    let at = this.length;
    let x = list[0];
    let y = list[1];
    bytes[at++] = MOVE;
    at = x < 0 ? divided(bytes, at, x) : digits(bytes, at, x);
    at = divided(bytes, at, y);
    if (end === 2) {
      bytes[at++] = DOT;
      bytes[at++] = ZERO;
    } else {
      bytes[at++] = LINE;
      for (let i = 2; i < end; i += 2) {
        at = divided(bytes, at, list[i] - x);
        at = divided(bytes, at, list[i + 1] - y);
        x = list[i];
        y = list[i + 1];
      }
    }
    if (closed) bytes[at++] = CLOSE;
    this.length = at;
  }

  /** What was written, and begin anew. */
  take() {
    const text = decoder.decode(this.bytes.subarray(0, this.length));
    this.length = 0;
    return text;
  }

  /** @param {number} more bytes */
  reserve(more) {
    if (this.bytes.length >= this.length + more) return;
    const bytes = new Uint8Array(2 * (this.length + more));
    bytes.set(this.bytes);
    this.bytes = bytes;
  }
}

/** A whole number, divided from the one before by its sign or by a space. @param {Uint8Array} bytes @param {number} at @param {number} value */
function divided(bytes, at, value) {
  bytes[at] = value < 0 ? MINUS : SPACE;
  return digits(bytes, at + 1, value < 0 ? -value : value);
}

/** @param {Uint8Array} bytes @param {number} at @param {number} value 0 or more @returns {number} where it ends */
function digits(bytes, at, value) {
  if (value < 10) {
    bytes[at] = ZERO + value;
    return at + 1;
  }
  const tens = (value / 10) | 0;
  const end = digits(bytes, at, tens);
  bytes[end] = ZERO + value - 10 * tens;
  return end + 1;
}
