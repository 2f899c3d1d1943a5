// @ts-check
/** What is seen of curves as a file: one picture of both charts with a legend, as SVG or PNG. */

import { svg } from '../dom.js';

const GAP = 24;
const CAPTION = 34;
const LEGEND_ROW = 20;
const LEGEND_COLUMN = 260;
/** Pixels of a PNG for each of the picture: sharp in print. */
const SHARPNESS = 2;
/** What the page's style sheets say and a file must say itself. */
const STYLES = ['fill', 'fill-opacity', 'stroke', 'stroke-width', 'stroke-dasharray', 'stroke-linecap', 'stroke-linejoin', 'stroke-opacity', 'opacity', 'font-family', 'font-size', 'font-weight', 'font-style'];

/**
 * @param {import('./curve_panel.js').CurvePanel} panel
 * @param {{title: string}} options
 * @returns {SVGSVGElement}
 */
export function picture(panel, { title }) {
  const ground = getComputedStyle(panel.node);
  const page = getComputedStyle(document.documentElement);
  const charts = panel.charts.filter((chart) => chart.plot);
  const width = charts.reduce((sum, chart) => sum + chart.size.width + GAP, GAP);
  const lines = [...new Map((charts[0]?.plot?.scene.lines ?? []).map((line) => [line.run, line])).values()];
  const columns = Math.max(1, Math.floor((width - 2 * GAP) / LEGEND_COLUMN));
  const top = 2 * CAPTION;
  const below = top + Math.max(...charts.map((chart) => chart.size.height), 0) + GAP;
  const height = below + LEGEND_ROW * Math.ceil(lines.length / columns) + GAP;
  const text = { fill: ground.color, 'font-family': ground.fontFamily, 'font-size': 13 };
  const root = svg('svg', { xmlns: 'http://www.w3.org/2000/svg', width, height, viewBox: `0 0 ${width} ${height}` },
    svg('title', title),
    svg('rect', { width, height, fill: page.backgroundColor }),
    svg('text', { ...text, x: GAP, y: CAPTION, 'font-size': 17, 'font-weight': 600 }, title));
  let left = GAP;
  for (const chart of charts) {
    const copy = /** @type {SVGSVGElement} */ (chart.picture.cloneNode(true));
    style(chart.picture, copy);
    for (const attribute of ['class', 'aria-hidden', 'style']) copy.removeAttribute(attribute);
    copy.setAttribute('x', String(left));
    copy.setAttribute('y', String(top));
    root.append(svg('text', { ...text, x: left + 6, y: top - 8, 'font-weight': 600 }, chart.kind.title), copy);
    left += chart.size.width + GAP;
  }
  lines.forEach((line, i) => {
    const x = GAP + LEGEND_COLUMN * (i % columns);
    const y = below + LEGEND_ROW * Math.floor(i / columns);
    const colour = resolved(line.colour, panel.node);
    root.append(
      svg('path', { d: `M${x} ${y}h24`, stroke: colour, 'stroke-width': 2, 'stroke-dasharray': line.dash || null, fill: 'none' }),
      svg('text', { ...text, x: x + 32, y: y + 4 }, line.label));
  });
  return root;
}

/**
 * Hand a file to the browser's downloads.
 * @param {Blob} blob
 * @param {string} name
 */
export function save(blob, name) {
  const url = URL.createObjectURL(blob);
  const anchor = document.createElement('a');
  anchor.href = url;
  anchor.download = name;
  anchor.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** @param {SVGSVGElement} root */
export function asSvg(root) {
  return new Blob([`<?xml version="1.0" encoding="UTF-8"?>\n${new XMLSerializer().serializeToString(root)}`], { type: 'image/svg+xml' });
}

/**
 * @param {SVGSVGElement} root
 * @returns {Promise<Blob>}
 */
export async function asPng(root) {
  const url = URL.createObjectURL(asSvg(root));
  try {
    const image = new Image();
    image.src = url;
    await image.decode();
    const canvas = document.createElement('canvas');
    canvas.width = SHARPNESS * Number(root.getAttribute('width'));
    canvas.height = SHARPNESS * Number(root.getAttribute('height'));
    canvas.getContext('2d')?.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve, reject) => canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error('the picture is too large for this browser'))), 'image/png'));
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** Each element's own look, written on its copy. @param {Element} from @param {Element} to */
function style(from, to) {
  const copies = [...to.querySelectorAll('*')];
  [...from.querySelectorAll('*')].forEach((each, i) => {
    const look = getComputedStyle(each);
    for (const name of STYLES) {
      const value = look.getPropertyValue(name);
      if (value) copies[i].setAttribute(name, value);
    }
    copies[i].removeAttribute('class');
  });
}

/** A colour that a style sheet names, as a file can have it. @param {string} colour @param {Element} within */
function resolved(colour, within) {
  const probe = svg('path', { fill: colour });
  const holder = svg('svg', { width: 0, height: 0 }, probe);
  within.append(holder);
  const found = getComputedStyle(probe).fill;
  holder.remove();
  return found;
}
