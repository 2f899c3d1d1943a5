// @ts-check
/** A spec in few words, and its settings one by one. Free of the page. */

/** Options that say how wide a network is. */
const WIDTHS = ['channels', 'hidden'];
/** What a run learns does not depend on. */
const LABELS = new Set(['name', 'tags', 'priority']);

/**
 * What it is trained on, and what is trained.
 * @param {any} spec
 * @returns {string[]}
 */
export function inShort(spec) {
  const { dataset, architecture, optimizer } = spec;
  const widths = WIDTHS.filter((name) => architecture[name]?.length).map((name) => architecture[name].join('-'));
  return [
    dataset.train_size ? `${dataset.name}, first ${dataset.train_size} images` : dataset.name,
    [architecture.name, ...widths].join(' '),
    architecture.name === 'perceptron' ? '' : spec.activation,
    `${optimizer.name} ${optimizer.learning_rate}`,
    `batch ${spec.batch_size}`,
    `seed ${spec.seed}`,
  ].filter(Boolean);
}

/**
 * Each setting by its path, such as `optimizer.learning_rate`; the labels of a run are left out.
 * @param {any} spec
 * @returns {[string, string][]}
 */
export function settings(spec) {
  return Object.entries(spec).flatMap(([name, value]) => (LABELS.has(name) ? [] : flattened(name, value)));
}

/** @param {string} path @param {any} value @returns {[string, string][]} */
function flattened(path, value) {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return [[path, written(value)]];
  return Object.entries(value).flatMap(([name, each]) => flattened(`${path}.${name}`, each));
}

/** One setting's value. @param {any} value @returns {string} */
export function written(value) {
  if (value === null || value === undefined) return '–';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value)) return value.length ? value.map(written).join('-') : 'none';
  if (typeof value === 'object') return Object.entries(value).map(([name, each]) => (name === 'name' ? written(each) : `${name} ${written(each)}`)).join(', ');
  return String(value);
}

/** A path as a heading: what is in front goes without saying. @param {string} path */
export function heading(path) {
  return path.replace(/^(dataset|architecture|activation|optimizer|schedule|loss)\.name$/, '$1').replace(/^.*\./, '').replaceAll('_', ' ');
}
