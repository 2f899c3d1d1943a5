// @ts-check
import { NONE, ago, bytes, count, date, duration, loss, percent } from '/web/format.js';
import { equal, run, test } from './testing.js';

export { run };

test('what is not there is a dash in every kind of figure', () => {
  for (const each of [percent, loss, count, duration, ago, date, bytes]) equal([each(null), each(undefined)], [NONE, NONE]);
  for (const each of [percent, loss, count, duration, bytes]) equal([each(NaN), each(Infinity)], [NONE, NONE]);
});

test('shares are percents and numbers have a comma at every third digit, wherever the reader lives', () => {
  equal([percent(0.97184), percent(1, 0), percent(0, 1)], ['97.18\u202f%', '100\u202f%', '0.0\u202f%']);
  equal([count(0), count(999), count(1000), count(1234567.6), count(-4321)], ['0', '999', '1,000', '1,234,568', '-4,321']);
});

test('a loss has four digits behind the point, and an exponent where these say nothing', () => {
  equal([loss(0), loss(0.12345), loss(0.00012345), loss(12345), loss(-0.5)], ['0.0000', '0.1235', '1.23e-4', '1.23e+4', '-0.5000']);
});

test('durations are as fine as they are short', () => {
  equal([0.0012, 0.025, 0.0999, 1.25, 9.96, 59.4, 59.6, 61, 3599, 3600, 7261, 86400, 90000].map(duration),
    ['1.2 ms', '25 ms', '0.1 s', '1.3 s', '10 s', '59 s', '1 min 00 s', '1 min 01 s', '59 min 59 s', '1 h 00 min', '2 h 01 min', '1 d 00 h', '1 d 01 h']);
});

test('how long ago something was never lies in the future', () => {
  const now = Date.parse('2026-01-02T00:00:00Z');
  equal(['2026-01-02T00:00:30Z', '2026-01-01T23:59:30Z', '2026-01-01T23:01:00Z', '2026-01-01T02:00:00Z', '2025-12-30T00:00:00Z'].map((each) => ago(each, now)),
    ['just now', '30 s ago', '59 min ago', '22 h ago', '3 d ago']);
});

test('sizes are in powers of a thousand', () => {
  equal([0, 999, 1000, 57_300, 1e6, 2.5e9, 9e15].map(bytes), ['0 B', '999 B', '1.0 kB', '57.3 kB', '1.0 MB', '2.5 GB', '9000.0 TB']);
});
