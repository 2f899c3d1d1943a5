// @ts-check
/** Small tests of modules that need no page: `test` names one, `run` runs one, and what is wrong is thrown. */

/** @type {Map<string, () => void | Promise<void>>} */
const tests = new Map();

/** @param {string} name @param {() => void | Promise<void>} body */
export function test(name, body) {
  tests.set(name, body);
}

/** @param {string} name */
export async function run(name) {
  const body = tests.get(name);
  if (!body) throw new Error(`there is no test ${name}`);
  await body();
}

/** The same as JSON, with numbers that are not finite by name. @param {any} found @param {any} wanted */
export function equal(found, wanted) {
  const [one, other] = [found, wanted].map((each) => JSON.stringify(each, (_, value) => (ArrayBuffer.isView(value) ? Array.from(/** @type {any} */ (value)) : typeof value === 'number' && !Number.isFinite(value) ? String(value) : value)));
  if (one !== other) throw new Error(`found ${one}, wanted ${other}`);
}

/** @param {any} whether @param {string} [what] */
export function ok(whether, what = 'it does not hold') {
  if (!whether) throw new Error(what);
}

/** Within so much. @param {number} found @param {number} wanted @param {number} [tolerance] */
export function near(found, wanted, tolerance = 1e-9) {
  if (!(Math.abs(found - wanted) <= tolerance)) throw new Error(`found ${found}, wanted ${wanted}`);
}
