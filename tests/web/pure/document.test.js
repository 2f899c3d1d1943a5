// @ts-check
import { PLAIN, at, changesOf, documentOf, placeOf, textOf, valueOf } from '/web/new/document.js';
import { equal, run, test } from './testing.js';

export { run };

const base = { dataset: { name: 'usps', train_size: 100 }, architecture: { name: 'mlp', hidden: [256, 128], dropout: 0.1 }, optimizer: { name: 'sgd', learning_rate: 0.1 }, epochs: 20 };
const of = (/** @type {string} */ query, from = base) => documentOf(from, new URLSearchParams(query));

test('what the address says is laid over the base, which stays as it is', () => {
  equal(of('epochs=5&architecture.hidden=[64]&early_stopping.patience=3').architecture, { name: 'mlp', hidden: [64], dropout: 0.1 });
  equal([of('epochs=5').epochs, base.epochs, of('early_stopping.patience=3').early_stopping], [5, 20, { patience: 3 }]);
  equal(of('tab=curves&hide=all&constructor.name=x'), base);
});

test('another architecture begins with its own defaults, in whichever order the address has it', () => {
  equal(of('architecture.kernel_size=5&architecture.name=cnn').architecture, { name: 'cnn', kernel_size: 5 });
  equal(of('architecture.name=mlp').architecture, base.architecture);
});

test('a name of digits is a name', () => {
  equal([of('name=17').name, of('name=17&seed=17').seed], ['17', 17]);
});

test('a value is read back from the address as it was', () => {
  for (const value of ['relu', '17', 'true', 17, 0.5, true, null, [64, 32], ['a'], '', 'é & ü', '{"']) equal(valueOf(textOf(value)), value);
});

test('a setting that is set to what the base has leaves the address', () => {
  const params = new URLSearchParams('epochs=5&optimizer.momentum=0.9');
  equal(changesOf(base, params, 'epochs', 20), { epochs: null });
  equal(changesOf(base, params, 'epochs', undefined), { epochs: null });
  equal(changesOf(base, params, 'epochs', 7), { epochs: '7' });
});

test('what was set of one optimizer says nothing of the next', () => {
  equal(changesOf(base, new URLSearchParams('optimizer.momentum=0.9&epochs=5'), 'optimizer.name', 'adam'), { 'optimizer.momentum': null, 'optimizer.name': 'adam' });
});

test('an error is told at the control that it belongs to', () => {
  const paths = ['epochs', 'architecture.name', 'architecture.hidden', 'early_stopping.patience'];
  equal(['#/epochs', '#/architecture/hidden/1', '#/architecture', '#/architecture/name', '#/nowhere', '#'].map((each) => placeOf(each, paths)),
    ['epochs', 'architecture.hidden', 'architecture.name', 'architecture.name', null, null]);
});

test('what stands at a path is found, and what does not is undefined', () => {
  equal([at(PLAIN, 'dataset.name'), at(PLAIN, 'optimizer.name') === undefined, at(null, 'a.b') === undefined], ['digits', true, true]);
});
