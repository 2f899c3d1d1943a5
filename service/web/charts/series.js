// @ts-check
/** The figures of runs as they grow, as columns of numbers. Free of the page. */

export const FIGURES = /** @type {const} */ (['train_loss', 'train_accuracy', 'val_loss', 'val_accuracy']);

/**
 * @typedef {object} Growth what `GET /v1/learning-curves` says of a run
 * @property {string} experiment_id
 * @property {string} state
 * @property {{epoch: number, epochs: number, fraction: number, eta_seconds: number | null, samples_per_second: number | null}} progress
 * @property {{epoch: number, val_loss: number | null, val_accuracy: number | null} | null} best
 * @property {'val_loss' | 'val_accuracy'} monitor by which its epochs are compared
 * @property {boolean} diverged
 * @property {{attempt: number, after_epoch: number, continued: boolean}[]} resumptions
 * @property {number[]} epochs
 * @property {(number | null)[]} train_loss
 * @property {(number | null)[]} train_accuracy
 * @property {(number | null)[]} val_loss
 * @property {(number | null)[]} val_accuracy
 * @property {number[]} learning_rate
 * @property {number[]} seconds
 */

/** One run's figures, an epoch after the other; what was not finite is NaN. */
export class Series {
  /** @param {string} id */
  constructor(id) {
    this.id = id;
    /** @type {number[]} */
    this.epochs = [];
    /** Of training until the end of the epoch. @type {number[]} */
    this.seconds = [];
    /** @type {Record<string, number[]>} */
    this.figures = Object.fromEntries(FIGURES.map((name) => [name, []]));
    /** @type {Growth | null} */
    this.status = null;
  }

  /** The newest epoch that is known; 0: none. */
  get last() {
    return this.epochs.length ? this.epochs[this.epochs.length - 1] : 0;
  }

  /**
   * Take in what is newer. False where what is known is not so any more (the run has begun again from an earlier epoch):
   * then nothing is kept, and it is to be asked for anew.
   * @param {Growth} growth asked for after the `last` epoch
   */
  grow(growth) {
    this.status = growth;
    if (growth.progress.epoch < this.last) {
      this.forget();
      return false;
    }
    const before = this.last;
    const passed = this.seconds.length ? this.seconds[this.seconds.length - 1] : 0;
    growth.epochs.forEach((epoch, i) => {
      if (epoch <= before) return;
      this.epochs.push(epoch);
      this.seconds.push(passed + growth.seconds[i]);
      for (const name of FIGURES) this.figures[name].push(growth[name][i] ?? NaN);
    });
    return true;
  }

  forget() {
    this.epochs = [];
    this.seconds = [];
    for (const name of FIGURES) this.figures[name] = [];
  }

  /**
   * Along the axis: epochs or seconds.
   * @param {'epoch' | 'time'} axis
   */
  along(axis) {
    return axis === 'time' ? this.seconds : this.epochs;
  }

  /**
   * Where an epoch lies on the axis; null where it is not known. 0 is the start.
   * @param {number} epoch
   * @param {'epoch' | 'time'} axis
   */
  at(epoch, axis) {
    if (axis === 'epoch') return epoch;
    if (epoch === 0) return 0;
    const found = this.epochs.findIndex((each) => each >= epoch);
    return found < 0 ? null : this.seconds[found];
  }
}
