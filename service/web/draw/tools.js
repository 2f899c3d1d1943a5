// @ts-check
/** What lies beside the slate: undo, the sponge, the thickness of the chalk, pictures from elsewhere. */

import { h } from '../dom.js';
import { toBase64 } from '../images/pixels.js';

const SIDE = 256;
const THINNEST = 0.03;
const THICKEST = 0.2;

/**
 * @param {object} options
 * @param {import('./pad.js').Pad} options.pad
 * @param {AbortSignal} options.signal
 * @param {(whether: boolean) => void} options.several
 * @param {(text: string) => void} options.announce
 */
export function tools({ pad, signal, several, announce }) {
  const undo = button('Undo', 'Undo (U)', () => pad.change((strokes) => strokes.undo()));
  const redo = button('Redo', 'Redo (R)', () => pad.change((strokes) => strokes.redo()));
  const clear = button('Clear', 'Clear (C)', () => pad.change((strokes) => strokes.clear()));
  const sponge = h('button', { type: 'button', class: 'button', 'aria-pressed': 'false', title: 'Wipe away (E)', onClick: erase }, 'Sponge');
  const width = h('input', { type: 'range', min: THINNEST, max: THICKEST, step: 0.005, value: pad.pen.width, 'aria-label': 'Thickness of the chalk', onInput: () => (pad.pen.width = Number(width.value)) });
  const many = h('input', { type: 'checkbox', onChange: () => several(many.checked) });
  const file = h('input', { type: 'file', accept: 'image/png,image/jpeg,image/webp,image/bmp,image/gif', class: 'visually-hidden', onChange: () => file.files?.[0] && lay(file.files[0]) });
  const save = button('Save', 'Save the slate as digit.png', download);

  function erase() {
    pad.pen.erase = !pad.pen.erase;
    sponge.setAttribute('aria-pressed', String(pad.pen.erase));
    pad.node.classList.toggle('pad--sponge', pad.pen.erase);
  }

  /** A photo is made small here: what a network sees of it is smaller still. @param {Blob} image */
  async function lay(image) {
    file.value = '';
    const bitmap = await createImageBitmap(image).catch(() => null);
    if (!bitmap) {
      announce('That is no picture that this browser can read');
      return;
    }
    const scale = Math.min(1, SIDE / Math.max(bitmap.width, bitmap.height));
    const canvas = h('canvas', { width: Math.max(1, Math.round(bitmap.width * scale)), height: Math.max(1, Math.round(bitmap.height * scale)) });
    const context = canvas.getContext('2d');
    context.fillStyle = '#ffffff';
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingQuality = 'high';
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    const png = await new Promise((resolve) => canvas.toBlob(resolve, 'image/png'));
    const base64 = await toBase64(png);
    pad.change((strokes) => strokes.put(base64));
  }

  async function download() {
    const address = URL.createObjectURL(await pad.png());
    h('a', { href: address, download: 'digit.png' }).click();
    setTimeout(() => URL.revokeObjectURL(address), 1000);
  }

  document.addEventListener('paste', (event) => {
    const image = [...(event.clipboardData?.files ?? [])].find((each) => each.type.startsWith('image/'));
    if (image) lay(image);
  }, { signal });
  pad.node.addEventListener('dragover', (/** @type {DragEvent} */ event) => event.preventDefault(), { signal });
  pad.node.addEventListener('drop', (/** @type {DragEvent} */ event) => {
    event.preventDefault();
    const image = event.dataTransfer?.files[0];
    if (image) lay(image);
  }, { signal });
  document.addEventListener('keydown', (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== 'z' || (event.target instanceof Element && event.target.closest('input[type=text], textarea'))) return;
    event.preventDefault();
    pad.change((strokes) => (event.shiftKey ? strokes.redo() : strokes.undo()));
  }, { signal });

  /** @param {number} by */
  function thicken(by) {
    width.value = String(pad.pen.width + by);
    pad.pen.width = Number(width.value);
  }

  const node = h('div', { class: 'tools' },
    h('div', { class: 'tools__row', dataset: { control: 'undo' } }, undo, redo, clear, sponge),
    h('label', { class: 'tools__width', dataset: { control: 'chalk' } }, h('span', { class: 'muted' }, 'Chalk'), width),
    h('label', { class: 'check', dataset: { control: 'several' } }, many, 'Several digits'),
    h('div', { class: 'tools__row', dataset: { control: 'pictures' } }, h('label', { class: 'button button--quiet', title: 'Or paste one, or drop it on the slate' }, file, 'Open a picture'), save));
  return {
    node,
    /** @param {{several?: boolean}} [state] */
    show(state = {}) {
      undo.disabled = !pad.strokes.past.length;
      redo.disabled = !pad.strokes.future.length;
      clear.disabled = save.disabled = pad.strokes.empty;
      if (state.several !== undefined) many.checked = state.several;
    },
    keys: {
      u: { label: 'Undo (Ctrl+Z, too)', run: () => undo.click() },
      r: { label: 'Redo', run: () => redo.click() },
      c: { label: 'Clear the slate', run: () => clear.click() },
      e: { label: 'Sponge or chalk', run: erase },
      '[': { label: 'Thinner chalk', run: () => thicken(-0.01) },
      ']': { label: 'Thicker chalk', run: () => thicken(0.01) },
      m: { label: 'One digit or several', run: () => several(!many.checked) },
    },
  };
}

/** @param {string} text @param {string} title @param {() => void} run */
function button(text, title, run) {
  return h('button', { type: 'button', class: 'button', title, onClick: run }, text);
}
