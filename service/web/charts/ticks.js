// @ts-check
/** Round numbers along an axis, and how they are written. Free of the page. */

/** @typedef {{value: number, text: string}} Tick `text` is empty where only the line is drawn */

/** Ticks with a text, at least, for a scale to be read. */
const FEWEST = 3;

const UNITS = [
  { seconds: 1, name: 's', steps: [1, 2, 5, 10, 15, 30] },
  { seconds: 60, name: 'min', steps: [1, 2, 5, 10, 15, 30] },
  { seconds: 3600, name: 'h', steps: [1, 2, 3, 6, 12] },
  { seconds: 86400, name: 'd', steps: [1, 2, 7, 14, 28] },
];

/**
 * Round numbers from low to high, some `count` of them: steps of 1, 2 or 5 times a power of ten.
 * @param {number} low
 * @param {number} high
 * @param {number} count
 * @param {{whole?: boolean, text?: (value: number, digits: number) => string}} [options] `whole`: no fractions
 * @returns {Tick[]}
 */
export function steps(low, high, count, { whole = false, text = (value, digits) => value.toFixed(digits) } = {}) {
  const room = Math.max(1, count);
  const safe = roundUp((high - low) / room);
  const narrow = roundUp(safe / 2.5); // the next smaller one, where its ticks happen to find room
  const step = Math.max(multiples(low, high, narrow).length <= room ? narrow : safe, whole ? 1 : 0);
  if (!(step > 0) || !Number.isFinite(step)) return [];
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return multiples(low, high, step).map((value) => ({ value, text: far(value) ? value.toExponential(0) : text(value, digits) }));
}

/**
 * For a logarithmic axis: powers of ten, with 2 and 5 or all digits between where these are few, and lines without text
 * for the rest.
 * @param {number} low above 0
 * @param {number} high
 * @param {number} count
 * @returns {Tick[]}
 */
export function powers(low, high, count) {
  const first = Math.floor(Math.log10(low));
  const last = Math.ceil(Math.log10(high));
  const every = Math.max(1, Math.ceil((last - first) / Math.max(1, count)));
  for (const digits of [[1], [1, 2, 5], [1, 2, 3, 4, 5, 6, 7, 8, 9]]) {
    const found = [];
    for (let power = first; power <= last; power += 1) {
      for (let digit = 1; digit < 10; digit += 1) {
        const value = digit * 10 ** power;
        if (value < low * (1 - 1e-9) || value > high * (1 + 1e-9)) continue;
        found.push({ value, text: digits.includes(digit) && (power - first) % every === 0 ? plain(value, power) : '' });
      }
    }
    if (found.filter(({ text }) => text).length >= FEWEST) return found;
  }
  // Within a part of a decade.
  return steps(low, high, count, { text: (value, digits) => value.toFixed(digits) });
}

/**
 * Seconds in the unit that suits them.
 * @param {number} low
 * @param {number} high
 * @param {number} count
 * @returns {Tick[]}
 */
export function clock(low, high, count) {
  const about = (high - low) / Math.max(1, count);
  if (about < 1) return steps(low, high, count, { text: (value, digits) => `${value.toFixed(digits)} s` });
  for (const unit of UNITS) {
    const step = unit.steps.find((each) => each * unit.seconds >= about);
    if (step) return multiples(low, high, step * unit.seconds).map((value) => ({ value, text: value === 0 ? '0' : `${value / unit.seconds} ${unit.name}` }));
  }
  return steps(low / 86400, high / 86400, count, { text: (value) => `${value} d` }).map(({ value, text }) => ({ value: value * 86400, text }));
}

/** @param {number} low @param {number} high @param {number} step */
function multiples(low, high, step) {
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  // Of the place, not added up: 0.1 + 0.2 is not 0.3.
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** @param {number} about */
function roundUp(about) {
  const power = 10 ** Math.floor(Math.log10(about));
  const step = [1, 2, 5, 10].find((each) => each * power >= about * (1 - 1e-9)) ?? 10;
  return step * power;
}

/** @param {number} value */
function far(value) {
  return Math.abs(value) >= 1e6;
}

/** @param {number} value @param {number} power */
function plain(value, power) {
  return power < -4 || power > 5 ? value.toExponential(0) : value.toFixed(Math.max(0, -power));
}
