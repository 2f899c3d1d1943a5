// @ts-check
/** Grey values and weights as pixels: as files that are sent, and as colours that are shown. */

const BLUE = [0, 114, 178];
const PALE = [247, 244, 236];
const ORANGE = [213, 94, 0];

/** @typedef {(value: number) => readonly number[]} Palette of a number, three numbers 0 to 255 */
/** @typedef {(number | null | undefined)[][]} Grid rows; null is not finite, and where undefined is there is nothing */

/**
 * A graymap (PGM) of one channel of RGBA pixels: nothing is packed, so it costs no time on either side.
 * @param {Uint8ClampedArray} rgba
 * @param {number} width
 * @param {number} height
 * @returns {Blob}
 */
export function graymap(rgba, width, height) {
  const grey = new Uint8Array(width * height);
  for (let i = 0; i < grey.length; i += 1) grey[i] = rgba[4 * i];
  return new Blob([`P5 ${width} ${height} 255\n`, grey], { type: 'image/x-portable-graymap' });
}

/** @param {string} text @returns {Uint8Array<ArrayBuffer>} */
export function fromBase64(text) {
  return Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
}

/** @param {Blob} blob @returns {Promise<string>} */
export async function toBase64(blob) {
  let text = '';
  for (const each of new Uint8Array(await blob.arrayBuffer())) text += String.fromCharCode(each);
  return btoa(text);
}

/**
 * Below zero blue, above it orange, pale at zero: the colours of the service's own pictures.
 * @param {number} scale the absolute value that has full colour
 * @returns {Palette}
 */
export function diverging(scale) {
  return (value) => {
    const share = scale > 0 ? Math.max(-1, Math.min(1, value / scale)) : 0;
    const end = share < 0 ? BLUE : ORANGE;
    return PALE.map((pale, i) => Math.round(pale + (end[i] - pale) * Math.abs(share)));
  };
}

/**
 * Dark at the least, bright at the greatest, as ink is seen by a network.
 * @param {number} least
 * @param {number} greatest
 * @returns {Palette}
 */
export function greys(least, greatest) {
  const span = greatest - least;
  return (value) => {
    const grey = span > 0 ? Math.round((255 * (Math.max(least, Math.min(greatest, value)) - least)) / span) : 0;
    return [grey, grey, grey];
  };
}

/**
 * The colours that tell most of numbers in this range: about zero where there are some below it, else dark to bright.
 * @param {number} least
 * @param {number} greatest
 * @returns {Palette}
 */
export function fitting(least, greatest) {
  return least < 0 ? diverging(Math.max(-least, greatest)) : greys(0, greatest);
}

/** A value that is not finite has a colour of its own: that of neither end. */
const NOTHING = [128, 128, 128];

/**
 * Rows of numbers as RGBA.
 * @param {Grid} grid
 * @param {Palette} palette
 * @returns {Uint8ClampedArray<ArrayBuffer>}
 */
export function coloured(grid, palette) {
  const rgba = new Uint8ClampedArray(4 * grid.length * (grid[0]?.length ?? 0));
  let at = 0;
  for (const row of grid) {
    for (const value of row) {
      if (value === undefined) {
        at += 4;
        continue;
      }
      const [red, green, blue] = value === null ? NOTHING : palette(value);
      rgba[at] = red;
      rgba[at + 1] = green;
      rgba[at + 2] = blue;
      rgba[at + 3] = 255;
      at += 4;
    }
  }
  return rgba;
}

/** The least and the greatest of rows of numbers, without those that are not finite. @param {(number | null)[][]} grid */
export function range(grid) {
  let least = Infinity;
  let greatest = -Infinity;
  for (const row of grid) {
    for (const value of row) {
      if (value === null) continue;
      if (value < least) least = value;
      if (value > greatest) greatest = value;
    }
  }
  return least > greatest ? [0, 0] : [least, greatest];
}

/** Black or white, whichever stands out more (WCAG 2.2, relative luminance). @param {readonly number[]} colour */
export function inkOn(colour) {
  const [red, green, blue] = colour.map((each) => (each <= 10 ? each / 3294 : ((each / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? '#000000' : '#ffffff';
}
