// @ts-check
import { difference, sorted } from '/web/compare/figures.js';
import { standing } from '/web/experiment/standing.js';
import { heading, inShort, settings, written } from '/web/spec_words.js';
import { equal, ok, run, test } from './testing.js';

export { run };

const spec = {
  name: 'x', dataset: { name: 'usps', train_size: null }, architecture: { name: 'mlp', hidden: [256, 128] }, activation: 'relu',
  optimizer: { name: 'sgd', learning_rate: 0.03 }, batch_size: 64, seed: 0, early_stopping: null, tags: ['a'], priority: 0,
};

/** @param {any} more */
function of(more) {
  const progress = { epoch: 3, epochs: 20, fraction: 0.15, eta_seconds: null, samples_per_second: null, ...more.progress };
  return { state: 'running', diverged: false, queue_position: null, spec, best: null, test: null, error: null, resumptions: [], resumed_inexact: false, reproduction: null, ...more, progress };
}

test('a waiting run says its place in the queue, and where it goes on', () => {
  equal(standing(of({ state: 'queued', queue_position: 1, progress: { epoch: 0 } })).text, 'Next in the queue.');
  equal(standing(of({ state: 'queued', queue_position: 12 })).text, 'Number 12 in the queue. It goes on after epoch 3 of 20.');
  equal(standing(of({ state: 'queued', queue_position: 1, held_up: 'the disk is full' })).text, 'It waits: the disk is full.');
});

test('a running run says its epoch, the seconds of one, and how long it takes yet', () => {
  equal(standing(of({ progress: { eta_seconds: 34 } })).text, 'Epoch 3 of 20 is done: 2.0 s an epoch, 34 s left.');
  equal(standing(of({ progress: { epoch: 0, fraction: 0 } })).text, 'The first epoch is being trained.');
  equal(standing(of({}), { cancelling: true }).word, 'being cancelled');
});

test('a run that ended says how, and a failed one why', () => {
  const done = { state: 'completed', progress: { epoch: 20 }, best: { epoch: 13 }, test: { accuracy: 0.9718 } };
  ok(standing(of(done)).text.startsWith('All 20 epochs are done. Read right of the test images, with the weights of epoch 13: 97.18'));
  equal(standing(of({ state: 'completed', diverged: true })).chip, 'diverged');
  equal(standing(of({ state: 'failed', error: { message: 'no such device' } })).text, 'Failed after epoch 3: no such device');
  ok(standing(of({ state: 'completed', spec: { ...spec, early_stopping: { monitor: 'val_loss', patience: 5 } } })).text.includes('5 in a row without a better validation loss'));
});

test('resumptions, another environment and a reproduction are told', () => {
  const resumptions = [{ attempt: 2, after_epoch: 7, continued: false }, { attempt: 3, after_epoch: 20, continued: true }];
  equal(standing(of({ resumptions, resumed_inexact: true })).more.length, 3);
  equal(standing(of({ resumptions })).more, ['Resumed at epoch 7, from its checkpoint (attempt 2).', 'Continued at epoch 20.']);
  ok(standing(of({ reproduction: { of: 'a', identical: true } })).more[0].includes('to the bit'));
});

test('a spec is told in few words, and its settings one by one without labels', () => {
  equal(inShort(spec), ['usps', 'mlp 256-128', 'relu', 'sgd 0.03', 'batch 64', 'seed 0']);
  const paths = settings(spec).map(([path]) => path);
  ok(paths.includes('optimizer.learning_rate') && !paths.some((path) => ['name', 'tags', 'priority'].includes(path)));
  equal([heading('architecture.name'), heading('dataset.train_size'), written([64]), written(null), written(true)], ['architecture', 'train size', '64', '–', 'yes']);
});

test('rows are sorted by a figure or a setting, and what has none is last either way', () => {
  const rows = /** @type {any[]} */ ([{ id: 'a', best: 0.5, settings: { seed: 10 } }, { id: 'b', best: null, settings: {} }, { id: 'c', best: 0.9, settings: { seed: 9 } }]);
  const order = (/** @type {string} */ column) => sorted(rows, column).map(({ id }) => id).join('');
  equal([order('-best'), order('best'), order('seed'), order('-seed')], ['cab', 'acb', 'cab', 'acb']);
});

test('a difference is in points, and none to itself or to nothing', () => {
  const [a, b] = /** @type {any[]} */ ([{ id: 'a', best: 0.5 }, { id: 'b', best: 0.75 }]);
  equal([difference(b, a, 'best'), difference(a, a, 'best'), difference(a, undefined, 'best')], [25, null, null]);
});
