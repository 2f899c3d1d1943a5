// @ts-check
/** What the rules say of a run's curves, with the numbers that each comment rests on. */

import { segments } from '../charts/controls.js';
import { commands, request } from '../commands.js';
import { h, replace } from '../dom.js';
import { FindingFeed, epochs } from '../experiment/findings.js';
import { link } from '../router.js';

const SEVERITIES = { info: 'Note', warning: 'Warning', error: 'Serious' };

/**
 * @param {HTMLElement} root
 * @param {import('../experiment/tabs.js').TabContext} context
 */
export function show(root, { id, params, signal, setParams }) {
  const list = h('div', { class: 'findings' });
  const how = h('div');
  const language = segments('Language of the comments', [['en', 'English'], ['fr', 'Français']], (value) => setParams({ lang: value === 'en' ? null : value }));
  let lang = 'en';
  /** @type {any[]} */
  let found = [];

  function draw() {
    language.choose(lang);
    replace(list, found.map((each) => finding(each, lang, id)));
  }

  replace(root,
    h('div', { class: 'row row--apart' }, h('p', { class: 'muted' }, 'Rules of thumb that look at the curves alone, the gravest first. They are no proofs.'), h('div', { dataset: { control: 'language' } }, language.node)),
    list, how);
  commands(how, [request('These comments', `/v1/experiments/${id}/findings`)]);
  const feed = new FindingFeed(id, signal, (items) => {
    found = items;
    draw();
  });
  lang = params.get('lang') === 'fr' ? 'fr' : 'en';
  return {
    /** @param {URLSearchParams} now @param {any} run */
    update(now, run) {
      const wanted = now.get('lang') === 'fr' ? 'fr' : 'en';
      if (wanted !== lang) {
        lang = wanted;
        draw();
      }
      feed.show(run);
    },
  };
}

/** @param {any} each @param {string} lang @param {string} id */
function finding(each, lang, id) {
  return h('article', { class: `panel finding finding--${each.severity}` },
    h('header', { class: 'row row--apart' },
      h('h3', `${/** @type {any} */ (SEVERITIES)[each.severity]}: ${each.kind.replaceAll('_', ' ')}`),
      h('a', { href: link('experiments', id, { finding: each.kind, lang: lang === 'fr' ? 'fr' : null }) }, `${epochs(each)}, on the curves`)),
    h('p', { lang }, each.text[lang]),
    h('details', h('summary', 'The numbers that it rests on'),
      h('dl', { class: 'facts' }, Object.entries(each.evidence).map(([name, value]) => [h('dt', name.replaceAll('_', ' ')), h('dd', written(value))]))));
}

/** @param {any} value */
function written(value) {
  if (value === null) return 'none';
  return typeof value === 'number' && !Number.isInteger(value) ? String(Number(value.toPrecision(5))) : String(value);
}
