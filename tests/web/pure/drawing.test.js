// @ts-check
import { parsed, written } from '/web/draw/runs.js';
import { Strokes } from '/web/draw/strokes.js';
import { told, treatment } from '/web/draw/verdict.js';
import { meant } from '/web/epoch_slider.js';
import { formula, meaning } from '/web/formula.js';
import { coloured, diverging, fitting, fromBase64, graymap, greys, inkOn, range, toBase64 } from '/web/images/pixels.js';
import { folded, short } from '/web/inside/number_grid.js';
import { address, asked } from '/web/inside/reasons.js';
import { newest } from '/web/newest.js';
import { equal, ok, run, test } from './testing.js';

export { run };

const PEN = { width: 0.1, erase: false };

test('strokes are undone and done again one by one, and clearing is a step like any other', () => {
  const strokes = new Strokes();
  strokes.begin([0.1, 0.1], PEN);
  strokes.extend([[0.2, 0.1], [0.2, 0.1], [0.3, 0.1]]);
  strokes.begin([0.5, 0.5], { width: 0.2, erase: true });
  equal(strokes.drawing.strokes.map((each) => each.points.length), [3, 1]);
  strokes.clear();
  ok(strokes.empty);
  strokes.undo();
  strokes.undo();
  equal(strokes.drawing.strokes.length, 1);
  strokes.redo();
  equal(strokes.drawing.strokes[1].erase, true);
  strokes.begin([0, 0], PEN);
  strokes.redo();
  equal(strokes.drawing.strokes.length, 3);
});

test('an empty slate has nothing to clear or to undo', () => {
  const strokes = new Strokes();
  strokes.clear();
  strokes.undo();
  strokes.redo();
  ok(strokes.empty);
  equal(strokes.past, []);
});

test('a picture on the slate is untouched until somebody draws on it', () => {
  const strokes = new Strokes();
  strokes.put('AAAA');
  ok(strokes.untouched);
  strokes.begin([0.5, 0.5], PEN);
  ok(!strokes.untouched && !strokes.empty);
  strokes.undo();
  ok(strokes.untouched);
});

test('of questions that wait only the newest is asked, and never two at once', async () => {
  /** @type {string[]} */
  const asked = [];
  /** @type {string[]} */
  const answered = [];
  /** @type {(() => void)[]} */
  const held = [];
  const put = newest((/** @type {string} */ question) => {
    asked.push(question);
    return new Promise((resolve, reject) => held.push(() => (question === 'c' ? reject(new Error('no')) : resolve(question))));
  }, (answer) => answered.push(String(answer)), (error) => answered.push(error.message));
  put('a');
  put('b');
  put('c');
  equal(asked, ['a']);
  const after = () => new Promise((resolve) => setTimeout(resolve));
  held[0]();
  await after();
  equal([asked, answered], [['a', 'c'], ['a']]);
  held[1]();
  await after();
  put('d');
  held[2]();
  await after();
  equal([asked, answered], [['a', 'c', 'd'], ['a', 'no', 'd']]);
});

test('a graymap has its size before its pixels, one byte each', async () => {
  const blob = graymap(new Uint8ClampedArray([1, 0, 0, 255, 2, 0, 0, 255]), 2, 1);
  equal([blob.type, [...new Uint8Array(await blob.arrayBuffer())]], ['image/x-portable-graymap', [...new TextEncoder().encode('P5 2 1 255\n'), 1, 2]]);
});

test('base64 goes there and back', async () => {
  const bytes = new Uint8Array([0, 1, 127, 128, 255]);
  equal([...fromBase64(await toBase64(new Blob([bytes])))], [...bytes]);
});

test('weights are blue below zero, pale at it and orange above', () => {
  const palette = diverging(2);
  equal([palette(-2), palette(0), palette(4)], [[0, 114, 178], [247, 244, 236], [213, 94, 0]]);
  equal(diverging(0)(0), [247, 244, 236]);
  equal([...greys(0, 2)(1)], [128, 128, 128]);
  equal(fitting(0, 3)(3), [255, 255, 255]);
  equal(fitting(-1, 3)(3), [213, 94, 0]);
  equal([inkOn([255, 255, 255]), inkOn([0, 114, 178])], ['#000000', '#ffffff']);
});

test('rows become pixels in their order, and what is not finite has a colour of its own', () => {
  equal([...coloured([[0, null], [1, 1]], greys(0, 1))], [0, 0, 0, 255, 128, 128, 128, 255, 255, 255, 255, 255, 255, 255, 255, 255]);
  equal(range([[null, 2], [-1, 0]]), [-1, 2]);
  equal(range([[null]]), [0, 0]);
});

test('a long row is folded and filled up, and numbers are short', () => {
  const grid = folded([Array.from({ length: 40 }, (_, i) => i)]);
  equal([grid.length, grid[1].length, grid[1][7], grid[1][8] === undefined], [2, 32, 39, true]);
  equal(folded([[1, 2]]), [[1, 2]]);
  equal([0, 0.001, -1.234, 12.34, 1234.5, null].map(short), ['0', '~0', '-1.23', '12.3', '1235', '–']);
});

test('networks on the page are written into its address and read from it', () => {
  equal(parsed('a,b:12,c:last,d:x'), [{ id: 'a', checkpoint: 'best' }, { id: 'b', checkpoint: '12' }, { id: 'c', checkpoint: 'last' }, { id: 'd', checkpoint: 'best' }]);
  equal(written(parsed('a,b:12,c:last')), 'a,b:12,c:last');
  equal(parsed(null), []);
});

test('a choice of weights means an epoch that is stored', () => {
  const stored = { epochs: [1, 4, 9], best: 4, last: 9 };
  equal(['best', 'last', '4', '6', '100', 'x'].map((each) => meant(stored, each)), [4, 9, 4, 4, 9, 4]);
  equal(meant({ epochs: [], best: null, last: null }, 'best'), null);
});

test('the doctor is quoted whole, and nothing is said twice', () => {
  const preprocessing = { inverted: true, cropped: [1, 2, 30, 40], warnings: ['two digits', 'thin'] };
  const said = told({ verdict: 'no_digit', reasons: [{ code: 'several_digits', detail: 'two digits' }], preprocessing, distance_unavailable: null });
  equal([said.tone, said.details, said.several], ['bad', ['two digits', 'thin'], true]);
  equal(treatment(preprocessing), 'Ink of 30 × 40 pixels cut out, inverted');
  equal(treatment({ inverted: false, cropped: null }), 'Taken as it is');
});

test('a formula keeps every sign, with numbers below their letters', () => {
  const text = (/** @type {(Node | string)[]} */ parts) => parts.map((each) => (typeof each === 'string' ? each : each.textContent)).join('');
  const nodes = formula('softmax(W2 maxpool_2(relu(K1 * x + b1)) + b2)');
  equal(text(nodes), 'softmax(W2 maxpool2(relu(K1 ∗ x + b1)) + b2)');
  equal(nodes.filter((each) => each instanceof Element && each.querySelector('sub')).length, 5);
  equal(text(meaning('W1: a matrix of 128*784 weights; b1: 128 biases')), 'W1: a matrix of 128 × 784 weights; b1: 128 biases');
  equal(text(meaning('softmax(z)_k = exp(z_k) / sum_j exp(z_j)')), 'softmax(z)k = exp(zk) / sumj exp(zj)');
});

test('what is asked of the pixels stands in the address, and what makes no sense there is left out', () => {
  const path = (/** @type {string} */ query) => address('a', asked(new URLSearchParams(query)), 'best').split('/').pop();
  equal([path(''), path('why=nothing&class=x&against=3')], ['saliency?checkpoint=best', 'saliency?checkpoint=best']);
  equal(path('why=blank&class=3&against=8'), 'saliency?checkpoint=best&method=occlusion&digit=3');
  equal(path('why=account&class=3&against=8'), 'contributions?checkpoint=best&input=ink&digit=3&against=8');
});
