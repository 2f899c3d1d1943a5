// @ts-check
/** What the rules find in a run's curves, asked for again whenever its epochs or its state have changed. */

import { Problem, get } from '../http.js';

/** Milliseconds between two questions while a run goes on. */
const PAUSE = 2500;

export class FindingFeed {
  /**
   * @param {string} id
   * @param {AbortSignal} signal
   * @param {(findings: any[]) => void} changed
   */
  constructor(id, signal, changed) {
    this.id = id;
    this.signal = signal;
    this.changed = changed;
    this.known = '';
    this.text = '';
    this.asking = false;
    this.asked = -Infinity;
  }

  /** @param {any} run as it is now */
  async show(run) {
    const now = `${run.state}.${run.progress.epoch}`;
    const early = run.state === 'running' && performance.now() - this.asked < PAUSE;
    if (this.asking || early || now === this.known) return;
    this.asking = true;
    this.asked = performance.now();
    try {
      const { items } = await get(`/v1/experiments/${this.id}/findings`, { signal: this.signal });
      this.known = now;
      const text = JSON.stringify(items);
      if (text !== this.text && !this.signal.aborted) this.changed(items);
      this.text = text;
    } catch (error) {
      if (!(error instanceof Problem) && !this.signal.aborted) throw error;
    } finally {
      this.asking = false;
    }
  }
}

/** Which epochs it speaks of. @param {any} finding */
export function epochs({ epochs: [first, last] }) {
  if (!last) return 'before the first epoch';
  return first === last ? `epoch ${first}` : `epochs ${first} to ${last}`;
}
