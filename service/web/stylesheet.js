// @ts-check
/** Style sheets that only some views need: each is loaded with the first of them, and stays. */

/** @type {Map<string, Promise<void>>} */
const loaded = new Map();

/**
 * Wait until the sheet applies, so that nothing is shown without it for a moment.
 * @param {string} name of a file in `style`, without its suffix
 * @returns {Promise<void>}
 */
export function stylesheet(name) {
  const before = loaded.get(name);
  if (before) return before;
  const link = document.createElement('link');
  const applies = new Promise((/** @type {(value: void) => void} */ resolve) => {
    link.addEventListener('load', () => resolve());
    link.addEventListener('error', () => resolve());
  });
  link.rel = 'stylesheet';
  link.href = `/web/style/${name}.css`;
  document.head.append(link);
  loaded.set(name, applies);
  return applies;
}
