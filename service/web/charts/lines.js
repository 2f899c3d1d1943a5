// @ts-check
/** Lines to be drawn, from the figures of runs and what is chosen to be seen of them. Free of the page. */

import { band } from './band.js';
import { smooth } from './smoothing.js';

/** @typedef {import('./reading.js').Line} Line */
/** @typedef {import('./series.js').Series} Series */
/** @typedef {{id: string, label: string, colour: string, dash: string, series: Series}} Run */
/** @typedef {{label: string, ids: string[]}} Group runs that differ in their seed alone */
/** @typedef {'val' | 'train' | 'both'} Split */

/**
 * @typedef {object} Choice
 * @property {'loss' | 'accuracy'} figure
 * @property {Split} split
 * @property {'epoch' | 'time'} axis
 * @property {number} weight of smoothing
 */

/**
 * One line a run, or two where both splits are wanted.
 * @param {Run[]} runs
 * @param {Choice} choice
 * @returns {Line[]}
 */
export function ofRuns(runs, choice) {
  return splits(choice.split).flatMap((split) => runs.map((run) => ofRun(run, split, choice)));
}

/**
 * One line a group, with a band where it has several runs. Along epochs: means over seeds have no time of their own.
 * @param {Run[]} runs
 * @param {Group[]} groups
 * @param {Choice} choice
 * @returns {Line[]}
 */
export function ofGroups(runs, groups, choice) {
  const known = new Map(runs.map((run) => [run.id, run]));
  const found = groups.map((group) => ({ group, members: group.ids.flatMap((id) => known.get(id) ?? []) })).filter(({ members }) => members.length);
  return splits(choice.split).flatMap((split) => found.map(({ group, members }) => ofGroup(group, members, split, choice)));
}

/** @param {Split} split @returns {('train' | 'val')[]} validation last, so that it lies above */
function splits(split) {
  return split === 'both' ? ['train', 'val'] : [split];
}

/**
 * @param {Run} run
 * @param {'train' | 'val'} split
 * @param {Choice} choice
 * @returns {Line}
 */
function ofRun({ id, label, colour, dash, series }, split, { figure, split: wanted, axis, weight }) {
  const values = series.figures[`${split}_${figure}`];
  const xs = series.along(axis);
  const ys = smooth(values, weight);
  const best = split === 'val' && series.status?.best ? series.epochs.indexOf(series.status.best.epoch) : -1;
  return {
    key: `${id}.${split}`, run: id, label, split, colour, dash, xs, ys,
    raw: weight > 0 ? values : null,
    band: null,
    best: best < 0 ? null : { x: xs[best], y: ys[best], epoch: series.epochs[best] },
    marks: split === 'val' || wanted === 'train' ? resumptions(series, axis) : [],
    diverged: series.status?.diverged ?? false,
  };
}

/**
 * @param {Group} group
 * @param {Run[]} members
 * @param {'train' | 'val'} split
 * @param {Choice} choice
 * @returns {Line}
 */
function ofGroup({ label }, members, split, { figure, weight }) {
  const [first] = members;
  const columns = members.map(({ series }) => ({ epochs: series.epochs, values: smooth(series.figures[`${split}_${figure}`], weight) }));
  const { xs, mean, low, high } = band(columns);
  const place = split === 'val' ? bestPlace(members, weight) : -1;
  return {
    key: `${first.id}.group.${split}`, run: first.id, label, split, colour: first.colour, dash: first.dash, xs, ys: mean,
    raw: null,
    band: members.length > 1 ? { low, high } : null,
    best: place < 0 ? null : { x: xs[place], y: mean[place], epoch: xs[place] },
    marks: [],
    diverged: false,
  };
}

/**
 * Where the mean is best, by the rule of the service (`service/domain/selection.py`): in the figure that is monitored, of
 * equal ones in the other, and the first where both are the same.
 * @param {Run[]} members
 * @param {number} weight
 */
function bestPlace(members, weight) {
  const [training, loss, accuracy] = ['train_loss', 'val_loss', 'val_accuracy'].map((figure) =>
    band(members.map(({ series }) => ({ epochs: series.epochs, values: smooth(series.figures[figure], weight) }))).mean);
  const byLoss = members[0].series.status?.monitor === 'val_loss';
  /** @param {number} i @param {number} j */
  const isBetter = (i, j) => {
    const [lower, higher] = [loss[j] - loss[i], accuracy[i] - accuracy[j]];
    return byLoss ? lower > 0 || (lower === 0 && higher > 0) : higher > 0 || (higher === 0 && lower > 0);
  };
  return training.reduce((best, value, i) => ([value, loss[i], accuracy[i]].every(Number.isFinite) && (best < 0 || isBetter(i, best)) ? i : best), -1);
}

/**
 * @param {Series} series
 * @param {'epoch' | 'time'} axis
 */
function resumptions(series, axis) {
  return (series.status?.resumptions ?? []).flatMap(({ after_epoch: epoch, continued }) => {
    const x = epoch > 0 ? series.at(epoch, axis) : null;
    return x === null ? [] : [{ x, text: `${continued ? 'continued' : 'resumed'} at epoch ${epoch}` }];
  });
}
