// @ts-check
import { COLOURS, colourOf, knownColour } from '/web/colours.js';
import { equal, ok, run, test } from './testing.js';

export { run };

test('a run keeps its colour, whatever it is shown with', () => {
  const first = colourOf('keeps');
  for (let i = 0; i < 5; i += 1) colourOf(`keeps.other.${i}`, ['keeps']);
  equal([colourOf('keeps', ['keeps.other.0']), knownColour('keeps')], [first, first]);
  equal(knownColour('nobody has asked for it'), null);
});

test('eight runs that are shown together have eight colours and solid lines, the next sixteen the same colours with dashes', () => {
  const ids = Array.from({ length: 3 * COLOURS }, (_, i) => `together.${i}`);
  const lines = ids.map((id, i) => colourOf(id, ids.slice(0, i)));
  equal(new Set(lines.slice(0, COLOURS).map(({ colour }) => colour)).size, COLOURS);
  ok(lines.slice(0, COLOURS).every(({ dash }) => dash === ''));
  ok(lines.slice(COLOURS).every(({ dash }) => dash !== ''));
  equal(new Set(lines.map(({ colour, dash }) => colour + dash)).size, 3 * COLOURS);
});

test('past them a colour is had twice rather than none', () => {
  const ids = Array.from({ length: 3 * COLOURS + 2 }, (_, i) => `too many.${i}`);
  ok(ids.map((id, i) => colourOf(id, ids.slice(0, i))).every(({ colour }) => /^var\(--chalk-[1-8]\)$/.test(colour)));
});
