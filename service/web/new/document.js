// @ts-check
/**
 * The document that a form describes: a base, and what the view's address lays over it, a path for each setting
 * (`architecture.hidden=[64,32]`). Free of the page.
 */

/** What a document may have at its top. */
export const FIELDS = [
  'name', 'dataset', 'architecture', 'activation', 'optimizer', 'schedule', 'loss', 'epochs', 'batch_size', 'seed',
  'early_stopping', 'checkpoints', 'precision', 'device', 'priority', 'tags',
];
/** Without a preset or an experiment to begin from. */
export const PLAIN = { dataset: { name: 'digits' }, architecture: { name: 'mlp' } };

/** A value as a part of an address: a word as it is, all else as JSON. @param {any} value */
export function textOf(value) {
  return typeof value === 'string' && typeof parsed(value) === 'string' ? value : JSON.stringify(value);
}

/** @param {string} text @returns {any} */
export function valueOf(text) {
  return parsed(text);
}

/** @param {string} text @returns {any} */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** What stands at a path; undefined where nothing does. @param {any} document @param {string} path */
export function at(document, path) {
  return path.split('.').reduce((node, key) => node?.[key], document);
}

/**
 * The base with the address on top. Another architecture, data set, optimizer or schedule begins with its own defaults.
 * @param {any} base
 * @param {URLSearchParams} params
 */
export function documentOf(base, params) {
  const document = structuredClone(base);
  const given = [...params].filter(([path]) => FIELDS.includes(path.split('.')[0]));
  const names = given.filter(([path]) => path.endsWith('.name'));
  for (const [path, text] of names) {
    const [field] = path.split('.');
    if (at(document, path) !== text) document[field] = { name: text };
  }
  for (const [path, text] of given) if (!path.endsWith('.name')) set(document, path, valueOf(text));
  if (typeof document.name === 'number') document.name = String(document.name);
  return document;
}

/**
 * @param {any} document
 * @param {string} path
 * @param {any} value
 */
function set(document, path, value) {
  const keys = path.split('.');
  const last = /** @type {string} */ (keys.pop());
  let node = document;
  for (const key of keys) {
    if (node[key] === null || typeof node[key] !== 'object') node[key] = {};
    node = node[key];
  }
  node[last] = value;
}

/**
 * What the address is to become when a setting is given a value.
 * @param {any} base
 * @param {URLSearchParams} params
 * @param {string} path
 * @param {any} value undefined: whatever the base or the service has
 * @returns {Record<string, string | null>}
 */
export function changesOf(base, params, path, value) {
  const [field, ...rest] = path.split('.');
  /** @type {Record<string, string | null>} */
  const changes = {};
  // What was set of the former one says nothing of the next.
  if (rest[0] === 'name' || !rest.length) for (const key of params.keys()) if (key.startsWith(`${field}.`)) changes[key] = null;
  const same = value === undefined || JSON.stringify(at(base, path)) === JSON.stringify(value);
  changes[path] = same ? null : textOf(value);
  return changes;
}

/**
 * The control that an error belongs to: the longest path that its pointer begins with; null where there is none.
 * @param {string} pointer such as `#/architecture/hidden/1`
 * @param {string[]} paths
 */
export function placeOf(pointer, paths) {
  const parts = pointer.replace(/^#\//, '').split('/');
  for (let length = parts.length; length; length -= 1) {
    const path = parts.slice(0, length).join('.');
    const found = paths.find((each) => each === path || (length === 1 && each === `${path}.name`));
    if (found) return found;
  }
  return null;
}
