// @ts-check
/** Small pictures on the page, each pixel of theirs a square. */

import { h } from '../dom.js';
import { coloured, fromBase64 } from './pixels.js';

/**
 * A PNG of the API. Its address lives only until it is loaded.
 * @param {string | null} base64 null: none yet
 * @param {string} text what it shows, for those who do not see it; empty where that is said beside it
 * @param {Record<string, any>} [props]
 * @returns {HTMLImageElement}
 */
export function picture(base64, text, props = {}) {
  const image = h('img', { alt: text, draggable: false, ...props, class: `pixels ${props.class ?? ''}`.trim() });
  if (base64) show(image, base64);
  return image;
}

/** Another PNG in the same place. @param {HTMLImageElement} image @param {string} base64 */
export function show(image, base64) {
  const address = URL.createObjectURL(new Blob([fromBase64(base64)], { type: 'image/png' }));
  const forget = () => URL.revokeObjectURL(address);
  image.addEventListener('load', forget, { once: true });
  image.addEventListener('error', forget, { once: true });
  image.src = address;
}

/**
 * Rows of numbers as a picture.
 * @param {import('./pixels.js').Grid} grid
 * @param {import('./pixels.js').Palette} palette
 * @param {Record<string, any>} [props]
 * @returns {HTMLCanvasElement}
 */
export function painted(grid, palette, props = {}) {
  const canvas = h('canvas', { ...props, class: `pixels ${props.class ?? ''}`.trim() });
  paint(canvas, grid, palette);
  return canvas;
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {import('./pixels.js').Grid} grid
 * @param {import('./pixels.js').Palette} palette
 */
export function paint(canvas, grid, palette) {
  canvas.width = grid[0]?.length ?? 0;
  canvas.height = grid.length;
  if (canvas.width && canvas.height) canvas.getContext('2d')?.putImageData(new ImageData(coloured(grid, palette), canvas.width, canvas.height), 0, 0);
}

/**
 * The numbers that a PNG of the API stands for: grey 0 is `least`, 255 is `greatest`.
 * @param {string} base64
 * @param {number} least
 * @param {number} greatest
 * @returns {Promise<number[][]>}
 */
export async function numbers(base64, least, greatest) {
  const bitmap = await createImageBitmap(new Blob([fromBase64(base64)], { type: 'image/png' }), { colorSpaceConversion: 'none' });
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (!context) return [];
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const { data } = context.getImageData(0, 0, width, height);
  return Array.from({ length: height }, (_, y) => Array.from({ length: width }, (__, x) => least + ((greatest - least) * data[4 * (y * width + x)]) / 255));
}
