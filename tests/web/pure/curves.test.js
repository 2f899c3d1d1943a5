// @ts-check
import { band } from '/web/charts/band.js';
import { UNIT, area, faint, path, visible } from '/web/charts/decimate.js';
import { ofGroups, ofRuns } from '/web/charts/lines.js';
import { extent, reach, readings } from '/web/charts/reading.js';
import { Series } from '/web/charts/series.js';
import { smooth } from '/web/charts/smoothing.js';
import { moved, parsed, scaled, shown, written } from '/web/charts/zoom.js';
import { equal, near, ok, run, test } from './testing.js';

export { run };

const same = (/** @type {number} */ value) => value;

/** @param {any} more */
function growth(more) {
  const epochs = more.epochs ?? [];
  const column = epochs.map(() => 0.5);
  return {
    experiment_id: 'a', state: 'running', progress: { epoch: epochs.at(-1) ?? 0, epochs: 9 }, best: null, monitor: 'val_accuracy', diverged: false, resumptions: [],
    train_loss: column, train_accuracy: column, val_loss: column, val_accuracy: column, learning_rate: column, seconds: epochs.map((/** @type {number} */ _, /** @type {number} */ i) => i + 1), ...more,
  };
}

/** @param {string} id @param {any} more */
function runOf(id, more) {
  const series = new Series(id);
  series.grow(growth(more));
  return { id, label: id, colour: 'red', dash: '', series };
}

/** @param {any} more @returns {any} */
function line(more) {
  return { key: 'a', run: 'a', label: 'a', split: 'val', colour: '', dash: '', xs: [1, 2, 3], ys: [3, 2, 1], raw: null, band: null, best: null, marks: [], diverged: false, ...more };
}

/** The points of a path of one stretch, in pixels. @param {string} text */
function points(text) {
  const numbers = (text.match(/-?\d+/g) ?? []).map(Number);
  let [x, y] = [0, 0];
  return Array.from({ length: numbers.length / 2 }, (_, i) => [(x += numbers[2 * i]) * UNIT, (y += numbers[2 * i + 1]) * UNIT].map((each) => Number(each.toFixed(6))));
}

test('smoothing by nothing changes nothing, and of a constant it is that constant from the first on', () => {
  equal(smooth([3, 1, 2], 0), [3, 1, 2]);
  for (const value of Array.from(smooth([5, 5, 5, 5], 0.9))) near(value, 5, 1e-12);
});

test('smoothing is the debiased exponential mean', () => {
  const [first, second, third] = Array.from(smooth([1, 0, 2], 0.5));
  near(first, 1);
  near(second, (0.5 * 0.5 * 1) / 0.75);
  near(third, (0.125 * 1 + 0.5 * 2) / 0.875);
});

test('what is not finite stays so under smoothing and counts for nothing', () => {
  const found = smooth([1, NaN, 1], 0.9);
  ok(Number.isNaN(found[1]));
  near(found[2], 1, 1e-12);
});

test('a path is broken where a value is not finite, and a point alone is a dot', () => {
  equal(path([0, 9, 18, 27], [1, NaN, 2, 3], same, same), 'M0 10h0M180 20l 90 10');
  equal(path([4], [5], same, same), 'M40 50h0');
  equal(path([], [], same, same), '');
});

test('of each two pixels the lowest and the highest point stay, in their order, and both ends of a line', () => {
  const xs = [0.0, 0.5, 1.0, 1.5, 2, 9, 12, 12.5, 13];
  equal(points(path(xs, [5, 9, 4, 6, 1, 3, 7, 8, 7.5], same, same)), [[0, 5], [0.5, 9], [1, 4], [2, 1], [9, 3], [12, 7], [12.5, 8], [13, 7.5]]);
  equal(points(path([0, 0.5, 1, 1.5, 4], [2, 1, 2, NaN, 3], same, same).split('M')[1]), [[0, 2], [0.5, 1], [1, 2]]);
});

test('a line that is as sparse as its pixels has all its points', () => {
  const xs = Array.from({ length: 50 }, (_, i) => 1 + i);
  const ys = xs.map((x) => Math.sin(x) * 30);
  equal(points(path(xs, ys, same, same)).length, 50);
});

test('a thinned path reaches as far as all points do, everywhere, and has at most one point to a pixel', () => {
  const xs = Array.from({ length: 1000 }, (_, i) => i / 10);
  const ys = xs.map((_, i) => Math.sin(i * 12.9898) * 50);
  const found = points(path(xs, ys, same, same));
  ok(found.length <= 102, `${found.length} points`);
  for (let left = 0; left < 100; left += 2) {
    const within = (/** @type {number} */ x) => x >= left && x < left + 2;
    const all = ys.filter((_, i) => within(xs[i]));
    const kept = found.filter(([x]) => within(x)).map(([, y]) => y);
    near(Math.max(...kept), Math.max(...all), 0.06);
    near(Math.min(...kept), Math.min(...all), 0.06);
  }
});

test('a faint line has fewer points and the same peaks', () => {
  const xs = Array.from({ length: 3000 }, (_, i) => i / 10);
  const ys = xs.map((_, i) => (i === 1234 ? 90 : Math.sin(i * 12.9898) * 50));
  const [own, behind] = [path, faint].map((draw) => points(draw(xs, ys, same, same)));
  ok(behind.length < 0.7 * own.length, `${behind.length} of ${own.length}`);
  equal(behind.filter(([, y]) => y === 90), [[123.4, 90]]);
  equal(faint([0, 9, 18, 27], [1, NaN, 2, 3], same, same), path([0, 9, 18, 27], [1, NaN, 2, 3], same, same));
});

test('an area goes there along the high values and back along the low ones', () => {
  equal(points(area([0, 9], [1, 2], [3, 4], same, same)), [[0, 3], [9, 4], [9, 2], [0, 1]]);
  equal(area([0, 9, 18], [1, NaN, 1], [3, 4, 3], same, same), 'M0 30l 0-20ZM180 30l 0-20Z');
});

test('what is drawn of a zoomed line goes on to both edges', () => {
  equal(visible([1, 2, 3, 4, 5, 6], [2.5, 4.5]), [1, 5]);
  equal(visible([1, 2, 3], [-9, 99]), [0, 3]);
});

test('a series takes in what is newer and adds up the seconds', () => {
  const series = new Series('a');
  ok(series.grow(growth({ epochs: [1, 2], seconds: [1, 2], val_loss: [0.5, null] })));
  ok(series.grow(growth({ epochs: [3], seconds: [1.5] })));
  equal([series.epochs, series.seconds, series.last], [[1, 2, 3], [1, 2, 3.5], 3]);
  equal(series.figures.val_loss, [0.5, NaN, 0.5]);
  equal([series.at(0, 'time'), series.at(3, 'time'), series.at(9, 'time'), series.at(9, 'epoch')], [0, 3.5, null, 9]);
});

test('a series is forgotten where the run began again before it', () => {
  const series = new Series('a');
  series.grow(growth({ epochs: [1, 2, 3] }));
  ok(!series.grow(growth({ epochs: [], progress: { epoch: 1, epochs: 9 } })));
  equal([series.epochs, series.last, series.figures.val_loss], [[], 0, []]);
});

test('a band is the mean and one sample deviation, at the epochs that all runs have which are that far', () => {
  const found = band([{ epochs: [1, 2, 3], values: [1, 2, 7] }, { epochs: [1, 2], values: [3, 2] }, { epochs: [2], values: [5] }]);
  equal(found.xs, [2, 3]);
  near(found.mean[0], 3);
  near(found.high[0] - found.mean[0], Math.sqrt(3));
  equal([found.mean[1], found.low[1], found.high[1]], [7, 7, 7]);
});

test('a band leaves out what is not finite', () => {
  const { mean, low } = band([{ epochs: [1], values: [NaN] }, { epochs: [1], values: [4] }]);
  equal([mean, low], [[4], [4]]);
});

test('a run is one line a split, validation above, its best epoch on the line as it is drawn', () => {
  const one = runOf('a', { epochs: [1, 2], val_loss: [1, 0], best: { epoch: 2 } });
  const [train, val] = ofRuns([one], { figure: 'loss', split: 'both', axis: 'epoch', weight: 0.5 });
  equal([train.split, train.best, val.split], ['train', null, 'val']);
  equal([val.raw, val.best?.epoch, val.best?.y], [[1, 0], 2, val.ys[1]]);
});

test('where a run went on is marked at that epoch, or at its time', () => {
  const resumptions = [{ attempt: 2, after_epoch: 2, continued: false }, { attempt: 3, after_epoch: 3, continued: true }, { attempt: 4, after_epoch: 0, continued: false }];
  const one = runOf('a', { epochs: [1, 2, 3], seconds: [2, 4, 6], resumptions });
  const at = (/** @type {any} */ axis) => ofRuns([one], { figure: 'loss', split: 'val', axis, weight: 0 })[0].marks;
  equal(at('epoch'), [{ x: 2, text: 'resumed at epoch 2' }, { x: 3, text: 'continued at epoch 3' }]);
  equal(at('time').map(({ x }) => x), [4, 6]);
});

test('runs of a group are one line with a band, and of one run alone there is none', () => {
  const runs = [runOf('a', { epochs: [1, 2], val_accuracy: [0.2, 0.8] }), runOf('b', { epochs: [1, 2], val_accuracy: [0.4, 0.6] }), runOf('c', { epochs: [1] })];
  const groups = [{ label: 'two', ids: ['a', 'b'] }, { label: 'one', ids: ['c'] }, { label: 'none', ids: ['d'] }];
  const [two, one, ...others] = ofGroups(runs, groups, { figure: 'accuracy', split: 'val', axis: 'epoch', weight: 0 });
  equal([two.label, two.run, two.xs, others.length], ['two', 'a', [1, 2], 0]);
  near(two.ys[1], 0.7);
  equal([two.best?.epoch, Boolean(two.band), one.band], [2, true, null]);
});

test('of epochs with the same mean accuracy the one with the lower loss is the best, unless the loss comes first', () => {
  const figures = { epochs: [1, 2, 3, 4], val_accuracy: [0.9, 0.9, 0.8, 0.9], val_loss: [0.5, 0.3, 0.1, 0.3] };
  const best = (/** @type {string} */ monitor) =>
    ofGroups([runOf('a', { ...figures, monitor })], [{ label: 'one', ids: ['a'] }], { figure: 'loss', split: 'val', axis: 'epoch', weight: 0 })[0].best?.epoch;
  equal([best('val_accuracy'), best('val_loss')], [2, 3]);
});

test('readings are the values at a place, the highest first, of the lines that reach so far', () => {
  const lines = [line({ key: 'low' }), line({ key: 'high', ys: [9, 8, 7], raw: [9, 9, 9] }), line({ key: 'short', xs: [1], ys: [5] }), line({ key: 'gone', ys: [1, NaN, 1] })];
  const found = readings(lines, 2, 0.5);
  equal(found.map(({ line: { key }, y, raw }) => [key, y, raw]), [['high', 8, 9], ['low', 2, 2], ['gone', NaN, NaN]]);
});

test('the reach is from the first to the last epoch of any line, and never nothing', () => {
  equal(reach([line({}), line({ xs: [2, 9] })]), [1, 9]);
  equal(reach([line({ xs: [4] })]), [3.5, 4.5]);
  equal(reach([line({ xs: [] })]), [0, 1]);
});

test('the extent is that of what is seen, and a logarithm counts what is above zero', () => {
  const one = line({ xs: [1, 2, 3, 4], ys: [9, 0, 2, 1] });
  equal(extent([one], [1, 4], { log: false }), { low: 0, high: 9, cut: '' });
  equal(extent([one], [1, 4], { log: true }), { low: 1, high: 9, cut: '' });
  equal(extent([line({ ys: [NaN, NaN, NaN] })], [1, 3], { log: false }), null);
});

test('a few values far out are let out of the picture, and that is said', () => {
  const xs = Array.from({ length: 200 }, (_, i) => i);
  const loss = xs.map((i) => (i === 0 ? 1e6 : 1 + (i % 2)));
  const high = extent([line({ xs, ys: loss })], [0, 199], { log: false });
  equal([high?.cut, high?.low, high?.high], ['above', 1, 2.5]);
  const accuracy = xs.map((i) => (i === 0 ? 0 : 0.99 + 0.01 * (i % 2)));
  const low = extent([line({ xs, ys: accuracy })], [0, 199], { log: false });
  equal([low?.cut, low?.high], ['below', 1]);
  ok(low && low.low > 0.9);
});

test('a zoom is kept while more arrives, as far as it exists', () => {
  equal(shown(null, [1, 50]), [1, 50]);
  equal(shown([10, 20], [1, 50]), [10, 20]);
  equal(shown([10, 90], [1, 50]), [10, 50]);
  equal(shown([60, 90], [1, 50]), [1, 50]);
});

test('zooming keeps its centre where it is, and out of all is all', () => {
  equal(scaled([0, 100], 0.5, 25, [0, 100]), [12.5, 62.5]);
  equal(scaled([0, 50], 0.5, 0, [0, 100]), [0, 25]);
  equal(scaled([40, 80], 9, 60, [0, 100]), null);
});

test('what is moved stays within all', () => {
  equal(moved([40, 60], 0.5, [0, 100]), [50, 70]);
  equal(moved([90, 100], 5, [0, 100]), [90, 100]);
  equal(moved([10, 30], -5, [0, 100]), [0, 20]);
});

test('a zoom is written and read again, and nonsense is none', () => {
  equal(parsed(written([3, 12.345678])), [3, 12.346]);
  equal([null, '', '3', '5,2', 'a,b', '1,2,3'].map(parsed), [null, null, null, null, null, null]);
});
