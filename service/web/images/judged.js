// @ts-check
/** Runs are judged by logits that are stored at their end: before it, there is nothing to be seen of that. */

/**
 * Why there is nothing yet, in a sentence; null where it can be asked for.
 * @param {any} run
 * @returns {string | null}
 */
export function pending(run) {
  if (run.state === 'completed') return null;
  if (run.state === 'queued' || run.state === 'running') return 'Its errors are counted once the run has ended, with its best weights.';
  return `The run is ${run.state}: only one that came to its end is judged on the test images.`;
}

/** Changes whenever what it is judged by may have changed. @param {any} run */
export function version(run) {
  return `${run.state}.${run.finished_at}`;
}
