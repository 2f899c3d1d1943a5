// @ts-check
/** A slider over the epochs whose weights are stored: what the network was like after each of them. */

import { h, write } from './dom.js';
import { Problem, get } from './http.js';

const PLAY_MILLISECONDS = 450;

/** @typedef {{epochs: number[], best: number | null, last: number | null}} Stored in their order */

/**
 * What is stored of a run.
 * @param {string} id
 * @param {AbortSignal} [signal]
 * @returns {Promise<Stored>}
 */
export async function stored(id, signal) {
  const { items } = await get(`/v1/experiments/${id}/checkpoints`, { signal });
  const named = (/** @type {string} */ name) => items.find((/** @type {any} */ each) => each.name === name)?.epoch ?? null;
  return { epochs: [...new Set(items.map((/** @type {any} */ each) => each.epoch))].sort((a, b) => a - b), best: named('best'), last: named('last') };
}

/**
 * The epoch that a choice means: `best`, `last` or a number; the nearest one where that is not stored.
 * @param {Stored} found
 * @param {string} chosen
 * @returns {number | null} null where nothing is stored
 */
export function meant({ epochs, best, last }, chosen) {
  if (!epochs.length) return null;
  if (chosen === 'last') return last;
  const wanted = Number(chosen);
  if (!Number.isInteger(wanted) || wanted < 1) return best ?? last;
  return epochs.reduce((near, each) => (Math.abs(each - wanted) < Math.abs(near - wanted) ? each : near));
}

/** Why there are no weights of a run. @param {{state: string}} run */
export function missing({ state }) {
  const active = state === 'queued' || state === 'running';
  return active ? 'There are no weights yet: the first are stored about two seconds after the run has begun.' : 'No weights were kept of this run.';
}

export class EpochSlider {
  /** @param {{changed: (chosen: string) => void, signal: AbortSignal}} options `chosen` is `best` or a number of an epoch */
  constructor({ changed, signal }) {
    this.changed = changed;
    this.signal = signal;
    this.progress = '';
    /** @type {Stored} */
    this.stored = { epochs: [], best: null, last: null };
    this.text = h('output', { class: 'epochs__text num' });
    this.range = h('input', { type: 'range', hidden: true, min: 0, step: 1, 'aria-label': 'Epoch whose weights are used', onInput: () => this.choose(this.stored.epochs[Number(this.range.value)]) });
    this.play = h('button', { type: 'button', hidden: true, class: 'button button--quiet epochs__play', onClick: () => this.toggle() }, '▶');
    this.best = h('button', { type: 'button', hidden: true, class: 'button button--quiet', onClick: () => this.stop().changed('best') }, 'Best');
    this.node = h('div', { class: 'epochs', dataset: { control: 'epochs' } }, h('div', { class: 'epochs__row' }, this.text, this.range, this.play, this.best));
    this.timer = 0;
    this.labelled();
    signal.addEventListener('abort', () => this.stop());
  }

  /**
   * Ask what is stored by now of a run that may go on learning.
   * @param {any} run
   * @param {() => string} chosen
   * @returns {Promise<boolean>} true where that may be other than it was
   */
  async follow({ id, state, progress: { epoch } }, chosen) {
    const progress = `${state}.${epoch}`;
    if (progress === this.progress) return false;
    this.progress = progress;
    try {
      const found = await stored(id, this.signal);
      if (this.signal.aborted) return false;
      this.show(found, chosen());
      return true;
    } catch (error) {
      if (this.signal.aborted) return false;
      if (!(error instanceof Problem)) throw error;
      this.progress = ''; // with the next news of the run it is asked again
      return false;
    }
  }

  /** @param {Stored} found @param {string} chosen */
  show(found, chosen) {
    this.stored = found;
    const epoch = meant(found, chosen);
    const many = found.epochs.length > 1;
    this.range.hidden = this.play.hidden = this.best.hidden = !many;
    this.range.max = String(Math.max(0, found.epochs.length - 1));
    this.range.value = String(Math.max(0, found.epochs.indexOf(Number(epoch))));
    this.range.setAttribute('aria-valuetext', `epoch ${epoch}`);
    this.best.disabled = epoch === found.best;
    write(this.text, epoch === null ? 'No weights yet' : `Epoch ${epoch}${epoch === found.best ? ', the best' : ''}`);
  }

  /** @param {number} epoch */
  choose(epoch) {
    this.stop();
    this.changed(epoch === this.stored.best ? 'best' : String(epoch));
  }

  toggle() {
    if (this.timer) {
      this.stop();
      return;
    }
    const { epochs } = this.stored;
    let at = Number(this.range.value) >= epochs.length - 1 ? 0 : Number(this.range.value) + 1;
    const step = () => {
      this.changed(String(epochs[at]));
      at += 1;
      if (at >= epochs.length) this.stop();
    };
    this.timer = setInterval(step, PLAY_MILLISECONDS);
    this.labelled();
    step();
  }

  stop() {
    clearInterval(this.timer);
    this.timer = 0;
    this.labelled();
    return this;
  }

  labelled() {
    write(this.play, this.timer ? '❚❚' : '▶');
    this.play.setAttribute('aria-label', this.timer ? 'Stop' : 'Play through the epochs');
  }
}
