// @ts-check
/** What each layer makes of one image, and how each of its numbers comes about. */

import { Bars } from '../charts/bars.js';
import { commands, request } from '../commands.js';
import { arrange, h, replace, write } from '../dom.js';
import { EpochSlider, missing } from '../epoch_slider.js';
import { percent } from '../format.js';
import { Problem, get } from '../http.js';
import { greys } from '../images/pixels.js';
import { painted } from '../images/shown.js';
import { Closely } from '../inside/closely.js';
import { LayerRow } from '../inside/layer_row.js';
import * as reasons from '../inside/reasons.js';
import { chooser, drawn, look, subject } from '../inside/subject.js';
import { newest } from '../newest.js';
import { stylesheet } from '../stylesheet.js';
import { numbered } from './mistakes.js';

/**
 * @param {HTMLElement} root
 * @param {import('../experiment/tabs.js').TabContext} context
 */
export async function show(root, { id, experiment, params, signal, setParams }) {
  const [sets] = await Promise.all([get('/v1/datasets', { signal }), stylesheet('images'), stylesheet('inside')]);
  const { facts } = sets.items.find((/** @type {any} */ each) => each.name === experiment.spec.dataset.name);
  const chosen = chooser(setParams, { test: facts.test_images, train: facts.train_images });
  const slider = new EpochSlider({ signal, changed: (epoch) => setParams({ weights: epoch === 'best' ? null : epoch }) });
  const resting = new reasons.Reasons({ id, signal, labels: facts.labels, set: setParams });
  const closely = new Closely({ id, signal, set: setParams });
  const input = h('div', { class: 'input' });
  const layers = h('div', { class: 'layers' });
  const wrong = h('p', { class: 'bad', role: 'alert' });
  const how = h('div');
  const bars = new Bars(facts.labels, 'How probable the network finds each class');
  const said = h('p', { class: 'told', role: 'status' });
  const head = h('div', { class: 'panel inside__head' }, input, h('div', { class: 'inside__said' }, said), bars.node);
  replace(root, h('div', { class: 'row row--apart' }, chosen.node, slider.node), head, wrong, resting.node, layers, how);

  /** @type {any} */
  let found = null;
  let now = params;
  /** By the name of the layer. @type {Map<string, LayerRow>} */
  const rows = new Map();
  let asked = '';

  const put = newest(
    ({ of, checkpoint }) => look(`/v1/experiments/${id}/activations?checkpoint=${checkpoint}`, of, signal),
    (answer) => {
      if (signal.aborted) return;
      found = answer;
      write(wrong, '');
      draw();
    },
    (error) => {
      if (signal.aborted) return;
      if (!(error instanceof Problem)) throw error;
      write(wrong, [...error.errors.map((each) => each.detail), error.message][0]);
    },
  );

  function draw() {
    const { image, prediction, labels } = found;
    replace(input, painted(image.pixels, greys(0, 255), { class: 'input__picture', role: 'img', 'aria-label': 'The image as the network sees it' }));
    const right = image.label === null || image.label === prediction.digit;
    said.classList.toggle('bad', !right);
    write(said, `${image.label === null ? 'The digit on the slate' : `A ${labels[image.label]}`}, read as ${prediction.label} (${percent(prediction.confidence, 1)}) after epoch ${found.checkpoint.epoch}.`);
    bars.show(prediction.probabilities, { top: prediction.digit, truth: image.label });
    const place = { layer: now.get('layer'), map: numbered(now.get('map')) };
    const shown = found.layers.map((/** @type {any} */ each) => {
      const row = rows.get(each.name) ?? add(each);
      row.show(each, place.layer === each.name ? place.map : null);
      return row.node;
    });
    const at = found.layers.findIndex((/** @type {any} */ each) => each.name === place.layer);
    const by = at >= 0 ? origin(found.layers, found.layers[at]) : null;
    if (by !== null && place.map !== null) {
      shown.splice(at + 1, 0, closely.node);
      closely.show(found.layers[at], { layer: by, map: place.map, row: numbered(now.get('row')) ?? 0, column: numbered(now.get('column')) ?? 0 }, { of: subject(now), checkpoint: weights(now) });
    }
    arrange(layers, shown);
    explain();
  }

  /** @param {any} layer */
  function add(layer) {
    const { name, shape } = layer;
    const middle = (/** @type {number} */ side) => (shape.length > 1 ? String(Math.floor(shape[side] / 2)) : null);
    const row = new LayerRow(layer, { by: origin(found.layers, layer), opened: (map) => setParams({ layer: name, map: String(map), row: middle(1), column: middle(2) }) });
    rows.set(name, row);
    return row;
  }

  /** @param {any} run */
  async function follow(run) {
    if (!(await slider.follow(run, () => weights(now)))) return;
    if (slider.stored.epochs.length) ask(true);
    else write(wrong, missing(run));
  }

  let explained = '';
  /** Which pixels the answer rests on, where that is another question than the last. */
  function explain() {
    const question = reasons.asked(now);
    const by = { of: subject(now), checkpoint: weights(now) };
    const key = JSON.stringify([question, by, found.checkpoint]);
    if (key === explained) return;
    explained = key;
    resting.ask(question, by, found.layers);
  }

  /** @param {boolean} [again] */
  function ask(again = false) {
    const question = { of: subject(now), checkpoint: weights(now) };
    const key = JSON.stringify(question);
    if (!again && key === asked) {
      if (found) draw();
      return;
    }
    asked = key;
    put(question);
  }

  let told = '';
  /** @param {URLSearchParams} next @param {any} run */
  function update(next, run) {
    now = next;
    const of = subject(now);
    chosen.show(of);
    slider.show(slider.stored, weights(now));
    follow(run);
    if (told === String(now)) return;
    told = String(now);
    if (slider.stored.epochs.length) ask();
    const body = of.drawn ? { images: [{ base64: drawn() }] } : { index: of.index, split: of.split };
    commands(how, [
      request('What each layer makes of this image', `/v1/experiments/${id}/activations?checkpoint=${weights(now)}`, { body }),
      request('Which pixels the answer rests on', reasons.address(id, reasons.asked(now), weights(now)), { body }),
    ]);
  }

  update(params, experiment);
  return { update };
}

/** @param {URLSearchParams} params */
function weights(params) {
  const asked = params.get('weights') ?? '';
  return /^(last|[1-9]\d{0,4})$/.test(asked) ? asked : 'best';
}

/**
 * The layer with weights that a number of this one comes from: itself, or the one before where all between take numbers
 * one by one.
 * @param {any[]} layers
 * @param {any} layer
 * @returns {string | null}
 */
function origin(layers, layer) {
  for (let at = layers.indexOf(layer); at >= 0; at -= 1) {
    if (String(layers[at].shape) !== String(layer.shape)) return null;
    if (/^(Conv2d|Linear)$/.test(layers[at].type)) return layers[at].name;
    if (/Pool|Flatten/.test(layers[at].type)) return null;
  }
  return null;
}
