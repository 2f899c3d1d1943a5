// @ts-check
/** The figures of compared runs, and how far each is from the baseline's. Free of the page. */

/**
 * @typedef {object} Row
 * @property {string} id of the run, or of a group's first
 * @property {string} label
 * @property {string} state
 * @property {boolean} diverged
 * @property {Record<string, any>} settings
 * @property {number} parameters
 * @property {number | null} best validation accuracy, of a group the mean
 * @property {number | null} bestEpoch
 * @property {number | null} last validation accuracy
 * @property {number | null} test accuracy
 * @property {number | null} seconds
 * @property {{n: number, deviation: number | null, interval: [number, number] | null} | null} seeds of a group: how its test accuracy varies
 */

/**
 * A row for each run; best and last are those of now, the rest is as the comparison was answered.
 * @param {any} comparison
 * @param {(id: string) => import('../charts/series.js').Series | undefined} seriesOf
 * @returns {Row[]}
 */
export function ofRuns(comparison, seriesOf) {
  return comparison.rows.map((/** @type {any} */ row) => {
    const series = seriesOf(row.id);
    const now = series?.status ?? row;
    const accuracies = series?.figures.val_accuracy ?? [];
    const last = accuracies.length ? accuracies[accuracies.length - 1] : (row.last?.val_accuracy ?? null);
    return {
      id: row.id, label: row.label, state: now.state, diverged: now.diverged, settings: row.settings, parameters: row.parameters,
      best: now.best?.val_accuracy ?? null, bestEpoch: now.best?.epoch ?? null, last: Number.isFinite(last) ? last : null,
      test: row.test?.accuracy ?? null, seconds: series?.seconds.length ? series.seconds[series.seconds.length - 1] : row.seconds, seeds: null,
    };
  });
}

/**
 * A row for each group of runs that differ in their seed alone.
 * @param {any} comparison
 * @returns {Row[]}
 */
export function ofGroups(comparison) {
  return comparison.groups.map((/** @type {any} */ group) => {
    const accuracy = group.test.accuracy;
    return {
      id: group.experiment_ids[0], label: group.label, state: group.seeds.length ? 'completed' : 'running', diverged: group.diverged > 0,
      settings: group.settings, parameters: group.parameters,
      best: group.best.accuracy?.mean ?? null, bestEpoch: null, last: group.last.accuracy?.mean ?? null, test: accuracy?.mean ?? null,
      seconds: group.seconds?.mean ?? null,
      seeds: { n: group.seeds.length, deviation: accuracy?.standard_deviation ?? null, interval: accuracy?.interval ?? null },
    };
  });
}

/**
 * In hundredths of all images: how much a row has more than the baseline; null where one of them has no figure.
 * @param {Row} row
 * @param {Row | undefined} baseline
 * @param {'best' | 'test'} figure
 */
export function difference(row, baseline, figure) {
  const [own, theirs] = [row[figure], baseline?.[figure] ?? null];
  return own === null || theirs === null || row.id === baseline?.id ? null : 100 * (own - theirs);
}

/**
 * Sorted by a column; what has no figure is last, whichever way. A `-` in front: the largest first.
 * @param {Row[]} rows
 * @param {string} column a field of a row, or the path of a setting
 */
export function sorted(rows, column) {
  const down = column.startsWith('-');
  const name = down ? column.slice(1) : column;
  const value = (/** @type {any} */ row) => (name in row ? row[name] : row.settings[name]) ?? null;
  return [...rows].sort((a, b) => {
    const [one, other] = [value(a), value(b)];
    if (one === null || other === null) return Number(one === null) - Number(other === null);
    const order = typeof one === 'number' && typeof other === 'number' ? one - other : String(one).localeCompare(String(other), 'en', { numeric: true });
    return down ? -order : order;
  });
}
