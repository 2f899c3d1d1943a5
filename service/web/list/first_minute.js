// @ts-check
/** What an empty bench shows: one click, and six networks learn. */

import { h, svg } from '../dom.js';
import { link } from '../router.js';
import { begin } from './first_comparison.js';

/**
 * @param {{go: (hash: string) => void, announce: (text: string) => void}} context
 * @returns {HTMLElement}
 */
export function firstMinute({ go, announce }) {
  const fault = h('p', { class: 'bad', role: 'alert' });
  const start = h('button', { type: 'button', class: 'button button--main button--large' }, 'Run the first comparison');
  start.addEventListener('click', async () => {
    start.disabled = true;
    try {
      const ids = await begin();
      announce('Six networks are learning');
      go(link('compare', null, { ids: ids.join(',') }));
    } catch (error) {
      start.disabled = false;
      fault.textContent = `That did not work: ${/** @type {Error} */ (error).message}`;
    }
  });
  return h(
    'section',
    { class: 'panel first' },
    slate(),
    h(
      'div',
      { class: 'first__text' },
      h('h2', 'A clean slate'),
      h('p', 'See in a minute what this is for. Six networks learn to read the 1,797 handwritten digits that come with Ardoise, side by side: one without a hidden layer, four with two of them and different activations, one with convolutions.'),
      h('p', 'Which learns fastest? What does a hidden layer add when nothing bends between the layers? Watch the curves and see.'),
      h('div', { class: 'row' }, start, h('a', { class: 'button', href: link('new') }, 'Describe an experiment of your own')),
      fault,
    ),
  );
}

function slate() {
  return svg(
    'svg',
    { class: 'first__slate', viewBox: '0 0 240 180', 'aria-hidden': 'true' },
    svg('rect', { x: 4, y: 4, width: 232, height: 172, rx: 10, class: 'first__board' }),
    svg('path', { class: 'first__axis', d: 'M34 24V146H214' }),
    svg('path', { class: 'first__curve', style: { '--colour': 'var(--board-1)' }, d: 'M38 132C60 70 90 58 212 52' }),
    svg('path', { class: 'first__curve', style: { '--colour': 'var(--board-2)' }, d: 'M38 138C56 96 84 44 212 36' }),
    svg('path', { class: 'first__curve', style: { '--colour': 'var(--board-3)' }, d: 'M38 141C96 136 110 76 212 64' }),
  );
}
