// @ts-check
/** Views that move by themselves: a question asked again and again, and whether the service answers at all. */

import { during } from './busy.js';
import { Problem } from './http.js';

const FIRST_PAUSE = 400;
const LONGEST_PAUSE = 4000;

/** @typedef {{online: boolean, since: number}} Connection `since`: when that began, by `Date.now()` */

/** @type {Connection} */
let connection = { online: true, since: Date.now() };
/** @type {Set<(connection: Connection) => void>} */
const watchers = new Set();

/** @param {(connection: Connection) => void} watcher called now and whenever the service goes or comes back */
export function onConnection(watcher) {
  watchers.add(watcher);
  watcher(connection);
}

/** @param {boolean} online */
function report(online) {
  if (online === connection.online) return;
  connection = { online, since: Date.now() };
  for (const each of watchers) each(connection);
}

/**
 * Ask now and then every so many milliseconds after the answer: never two at once, not at all while nobody looks, and
 * less and less often while the service is gone. It ends with the signal, or once `ask` says false.
 * @param {(signal: AbortSignal) => Promise<any>} ask
 * @param {{every: number | (() => number), signal: AbortSignal, failed?: (problem: Problem) => void}} options `failed` is
 *   told of a problem that does not pass by itself, which ends the asking
 */
export async function poll(ask, { every, signal, failed }) {
  let pause = FIRST_PAUSE;
  while (!signal.aborted) {
    try {
      if ((await during(ask(signal))) === false) return;
      report(true);
      pause = FIRST_PAUSE;
      await rest(typeof every === 'function' ? every() : every, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof Problem)) throw error;
      if (!error.passing) {
        report(true);
        failed?.(error);
        return;
      }
      report(false);
      await rest(pause, signal);
      pause = Math.min(2 * pause, LONGEST_PAUSE);
    }
    await seen(signal);
  }
}

/**
 * @param {number} milliseconds
 * @param {AbortSignal} signal
 */
function rest(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done, { once: true });
    function done() {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve(undefined);
    }
  });
}

/** Wait until somebody looks at the page. @param {AbortSignal} signal */
function seen(signal) {
  if (!document.hidden || signal.aborted) return undefined;
  return new Promise((resolve) => {
    document.addEventListener('visibilitychange', look);
    signal.addEventListener('abort', done, { once: true });
    function look() {
      if (!document.hidden) done();
    }
    function done() {
      document.removeEventListener('visibilitychange', look);
      signal.removeEventListener('abort', done);
      resolve(undefined);
    }
  });
}
