// @ts-check
/** What has become of a run, said honestly. Free of the page. */

import { count, duration, percent } from '../format.js';

/**
 * @typedef {object} Standing
 * @property {string} chip the state, as it is coloured
 * @property {string} word the state, as it is called
 * @property {string} text one sentence
 * @property {string[]} more what else there is to know
 */

/**
 * @param {any} run an experiment of the API
 * @param {{cancelling?: boolean}} [options] `cancelling`: it was asked to end
 * @returns {Standing}
 */
export function standing(run, { cancelling = false } = {}) {
  const chip = run.state === 'completed' && run.diverged ? 'diverged' : run.state;
  const word = cancelling && run.state === 'running' ? 'being cancelled' : chip;
  return { chip, word, text: sentence(run, cancelling), more: [...history(run), ...reproduction(run)] };
}

/** @param {any} run @param {boolean} cancelling */
function sentence(run, cancelling) {
  const { eta_seconds: left } = run.progress;
  const [epoch, epochs] = [count(run.progress.epoch), count(run.progress.epochs)];
  const begun = run.progress.epoch > 0;
  switch (run.state) {
    case 'queued':
      if (run.held_up) return `It waits: ${run.held_up}.`;
      return `${place(run.queue_position)}${begun ? ` It goes on after epoch ${epoch} of ${epochs}.` : ''}`;
    case 'running': {
      if (cancelling) return 'It ends with the batch that it is at.';
      if (left === null) return begun ? `Epoch ${epoch} of ${epochs} is done.` : 'The first epoch is being trained.';
      const share = 1 - run.progress.fraction;
      const each = share > 0 ? left / (run.progress.epochs * share) : null;
      return `Epoch ${epoch} of ${epochs} is done: ${each ? `${duration(each)} an epoch, ` : ''}${duration(left)} left.`;
    }
    case 'completed':
      if (run.diverged) return `Diverged: after epoch ${epoch} its loss was no finite number any more.`;
      return `${ending(run)}${run.test ? ` Read right of the test images, with the weights of epoch ${run.best.epoch}: ${percent(run.test.accuracy)}.` : ''}`;
    case 'failed':
      return `Failed${begun ? ` after epoch ${epoch}` : ' before its first epoch'}: ${run.error?.message ?? 'nobody knows why'}`;
    default:
      return begun ? `Cancelled after epoch ${epoch} of ${epochs}; what it had learnt is kept.` : 'Cancelled before its first epoch.';
  }
}

/** @param {number | null} position */
function place(position) {
  if (position === null) return 'It waits for a worker.';
  return position === 1 ? 'Next in the queue.' : `Number ${count(position)} in the queue.`;
}

/** @param {any} run */
function ending({ progress: { epoch, epochs }, spec }) {
  if (epoch >= epochs) return `All ${count(epochs)} epochs are done.`;
  const rule = spec.early_stopping;
  const why = rule ? `: ${rule.patience} in a row without a better ${rule.monitor === 'val_loss' ? 'validation loss' : 'validation accuracy'}` : '';
  return `Stopped early, after epoch ${count(epoch)} of ${count(epochs)}${why}.`;
}

/** @param {any} run */
function history(run) {
  const lines = run.resumptions.map((/** @type {any} */ each) => {
    if (each.continued) return `Continued at epoch ${each.after_epoch}.`;
    return each.after_epoch ? `Resumed at epoch ${each.after_epoch}, from its checkpoint (attempt ${each.attempt}).` : `Began again (attempt ${each.attempt}).`;
  });
  if (run.resumed_inexact) lines.push('It went on under another environment than it began with, so its last bits may differ from those of an uninterrupted run.');
  return lines;
}

/** @param {any} run */
function reproduction({ reproduction: found, state }) {
  if (!found) return [];
  if (found.identical) return ['It repeats another run, and every figure is the same to the bit.'];
  if (found.identical === null) return [['queued', 'running'].includes(state) ? 'It repeats another run, and will be held against it.' : 'It repeats another run, but did not end as one that could be compared.'];
  const by = found.difference === null ? '' : `, by ${found.difference.toPrecision(3)}`;
  return [`It repeats another run, and differs from it at epoch ${found.first_different_epoch} (${found.field}${by}).`];
}
