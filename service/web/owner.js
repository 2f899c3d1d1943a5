// @ts-check
/** Who one says one is: there is no proof of it, and this browser remembers it. */

import { recall, remember } from './store.js';

const KEY = 'owner';

export function name() {
  return String(recall(KEY, ''));
}

/**
 * The headers that say who sends something.
 * @param {string} text nobody, where it is blank
 * @returns {Record<string, string>}
 */
export function signed(text) {
  const name = text.trim();
  remember(KEY, name);
  // A header holds bytes: those of UTF-8, each as a character.
  return name ? { 'X-Ardoise-Owner': String.fromCharCode(...new TextEncoder().encode(name)) } : {};
}
