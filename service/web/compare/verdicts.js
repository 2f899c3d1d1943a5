// @ts-check
/** Which is better than which, in words, and what was not compared. */

import { segments } from '../charts/controls.js';
import { h, replace } from '../dom.js';

/** Sentences that are read without asking for more. */
const READ = 6;

export class Verdicts {
  /** @param {(changes: Record<string, string | null>) => void} set */
  constructor(set) {
    this.language = segments('Language of the verdicts', [['en', 'English'], ['fr', 'Français']], (value) => set({ lang: value === 'en' ? null : value }));
    this.body = h('div', { class: 'verdicts__body' });
    this.node = h('section', { class: 'panel verdicts', 'aria-label': 'Verdicts' },
      h('div', { class: 'row row--apart' }, h('h2', 'Which is better?'), h('div', { dataset: { control: 'language' } }, this.language.node)), this.body);
    this.drawn = '';
  }

  /**
   * @param {any} comparison
   * @param {{lang: 'en' | 'fr', grouped: boolean, baseline: string | null}} options `grouped`: of groups over seeds, not
   *   of single runs; `baseline`: a run, against which or against whose group alone
   */
  show({ rows, verdicts, remarks, groups }, { lang, grouped, baseline }) {
    const several = groups.some((/** @type {any} */ group) => group.seeds.length > 1);
    const held = rows.find((/** @type {any} */ row) => row.id === baseline);
    const ofGroups = verdicts.groups.filter((/** @type {any} */ each) => !held || each.a === held.group || each.b === held.group);
    const ofRuns = verdicts.runs.filter((/** @type {any} */ each) => !held || each.a === held.id || each.b === held.id);
    const [first, then] = several ? [ofGroups, grouped ? [] : ofRuns] : [ofRuns, []];
    const now = JSON.stringify([first, then, remarks, lang]);
    this.language.choose(lang);
    if (now === this.drawn) return;
    const open = new Set([...this.body.querySelectorAll('details[open]')].map((each) => each.className));
    this.drawn = now;
    const [items, single] = [sentences(first, lang), sentences(then, lang)];
    const more = (/** @type {string} */ name, /** @type {string} */ title, /** @type {any[]} */ all) =>
      all.length ? h('details', { class: name, open: open.has(name) }, h('summary', title), h('ul', { class: 'verdicts__list' }, all)) : null;
    replace(this.body,
      items.length ? h('ul', { class: 'verdicts__list' }, items.slice(0, READ)) : h('p', { class: 'muted' }, 'No verdict yet: it takes two completed runs that have read the same test images.'),
      more('verdicts__more', `${items.length - READ} more`, items.slice(READ)),
      more('verdicts__single', `Run by run: ${single.length} pairs`, single),
      remarks.map((/** @type {any} */ each) => h('p', { class: 'muted', lang }, each[lang])));
  }
}

/** What is told apart is news and comes first; of the others, it is said that they are not. @param {any[]} found @param {'en' | 'fr'} lang */
function sentences(found, lang) {
  const told = [...found].sort((a, b) => Number(b.better !== null) - Number(a.better !== null));
  return told.map((each) => h('li', { class: each.better === null ? 'verdict' : 'verdict verdict--told', lang }, each.text[lang]));
}
