// @ts-check
import { drawAxes } from '/web/charts/axes.js';
import { linear, logarithmic, nearest, place } from '/web/charts/scale.js';
import { clock, powers, steps } from '/web/charts/ticks.js';
import { equal, near, ok, run, test } from './testing.js';

export { run };

const texts = (/** @type {any[]} */ ticks) => ticks.map(({ text }) => text);
const named = (/** @type {any[]} */ ticks) => texts(ticks).filter(Boolean);

test('a scale goes to pixels and back', () => {
  for (const scale of [linear([2, 12], [300, 0]), logarithmic([0.01, 10], [300, 0])]) {
    equal(scale.domain.map(scale.to).map(Math.round), [300, 0]);
    for (const pixel of [0, 17, 299]) near(scale.to(scale.from(pixel)), pixel, 1e-9);
  }
});

test('a logarithm has no place for what is not above zero', () => {
  const { to } = logarithmic([0.1, 1], [0, 100]);
  equal([to(0), to(-1), to(NaN)], ['NaN', 'NaN', 'NaN'].map(Number));
});

test('the place and the nearest of a value are found in a rising list', () => {
  const rising = [1, 2, 4, 8];
  equal([0, 1, 3, 8, 9].map((each) => place(rising, each)), [0, 0, 2, 3, 4]);
  equal([0, 2.9, 3.1, 99].map((each) => nearest(rising, each)), [0, 1, 2, 3]);
  equal(nearest([], 1), -1);
});

test('ticks are round numbers within the axis', () => {
  equal(texts(steps(0.13, 0.87, 5)), ['0.2', '0.4', '0.6', '0.8']);
  equal(texts(steps(1, 9, 20, { whole: true })), ['1', '2', '3', '4', '5', '6', '7', '8', '9']);
  equal(steps(0, 0.35, 4).map(({ value }) => value), [0, 0.1, 0.2, 0.3]);
  equal(texts(steps(1, 73, 3.2, { whole: true })), ['20', '40', '60']);
  equal(steps(5, 5, 4), []);
});

test('there are no more ticks than there is room for, whatever the axis', () => {
  for (let power = -6; power < 9; power += 1) {
    for (const count of [2, 5, 9]) {
      const found = steps(0, 7.3 * 10 ** power, count);
      ok(found.length >= 1 && found.length <= count + 1, `${found.length} of ${count}`);
    }
  }
});

test('a logarithmic axis names powers of ten, and more where these are few', () => {
  equal(named(powers(0.0001, 10, 8)), ['0.0001', '0.001', '0.01', '0.1', '1', '10']);
  equal(named(powers(0.02, 0.3, 8)), ['0.02', '0.05', '0.1', '0.2']);
  equal(named(powers(0.55, 1.6, 8)), ['0.6', '0.7', '0.8', '0.9', '1']);
  ok(named(powers(0.21, 0.24, 5)).length >= 2);
  ok(named(powers(1e-30, 1e30, 6)).length <= 7);
});

test('seconds are told in the unit that suits them', () => {
  equal(texts(clock(0, 0.4, 4)), ['0.0 s', '0.1 s', '0.2 s', '0.3 s', '0.4 s']);
  equal(texts(clock(0, 45, 4)), ['0', '15 s', '30 s', '45 s']);
  equal(texts(clock(0, 7200, 4)), ['0', '30 min', '60 min', '90 min', '120 min']);
  equal(texts(clock(0, 86400 * 3, 4)), ['0', '1 d', '2 d', '3 d']);
});

test('axes that show the same already are left alone', () => {
  const group = document.createElementNS('http://www.w3.org/2000/svg', 'g');
  const box = { left: 40, right: 540, top: 10, bottom: 310 };
  const draw = (/** @type {number} */ last) =>
    drawAxes(group, { x: linear([1, last], [40, 540]), y: linear([0, 1], [310, 10]), box, em: 13, axis: 'epoch', written: (value, digits) => value.toFixed(digits) });
  draw(1000);
  const before = [...group.children];
  draw(1000);
  ok(before.every((each) => each.parentNode === group));
  draw(900);
  ok(before.every((each) => each.parentNode !== group));
});
