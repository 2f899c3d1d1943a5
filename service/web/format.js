// @ts-check
/** Figures as they are shown: the same in every browser, as wide as each other, and a dash where there is none. */

export const NONE = '–';
/** Thin, and no line ends there. */
const THIN = '\u202f';

/** @param {number | null | undefined} share 0 to 1 @param {number} [digits] */
export function percent(share, digits = 2) {
  return isNumber(share) ? `${(100 * share).toFixed(digits)}${THIN}%` : NONE;
}

/** @param {number | null | undefined} value */
export function loss(value) {
  if (!isNumber(value)) return NONE;
  return value !== 0 && (Math.abs(value) < 0.001 || Math.abs(value) >= 10000) ? value.toExponential(2) : value.toFixed(4);
}

/** @param {number | null | undefined} value with a comma at every third digit */
export function count(value) {
  return isNumber(value) ? Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, ',') : NONE;
}

/** @param {number | null | undefined} seconds */
export function duration(seconds) {
  if (!isNumber(seconds)) return NONE;
  if (seconds < 0.0995) return `${(1000 * seconds).toFixed(seconds < 0.00995 ? 1 : 0)} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  const minutes = Math.round(whole / 60);
  return minutes < 1440 ? `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min` : `${Math.floor(minutes / 1440)} d ${two(Math.floor((minutes % 1440) / 60))} h`;
}

/** How long ago. @param {string | null | undefined} iso @param {number} [now] */
export function ago(iso, now = Date.now()) {
  if (!iso) return NONE;
  const seconds = Math.max(0, (now - Date.parse(iso)) / 1000);
  if (seconds < 10) return 'just now';
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  return seconds < 86400 ? `${Math.floor(seconds / 3600)} h ago` : `${Math.floor(seconds / 86400)} d ago`;
}

/** In the time of the reader. @param {string | null | undefined} iso */
export function date(iso) {
  if (!iso) return NONE;
  const at = new Date(iso);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** @param {number | null | undefined} size */
export function bytes(size) {
  if (!isNumber(size)) return NONE;
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(units.length - 1, size < 1000 ? 0 : Math.floor(Math.log10(size) / 3));
  return `${(size / 1000 ** power).toFixed(power ? 1 : 0)} ${units[power]}`;
}

/** @param {any} value @returns {value is number} */
function isNumber(value) {
  return typeof value === 'number' && Number.isFinite(value);
}

/** @param {number} value */
function two(value) {
  return String(value).padStart(2, '0');
}
