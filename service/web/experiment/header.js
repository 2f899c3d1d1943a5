// @ts-check
/** The head of a run's page: its name and colour, how it stands, what can be done, and the figures that count. */

import { swatch } from '../charts/crosshair.js';
import { colourOf } from '../colours.js';
import { h, replace, write } from '../dom.js';
import { NONE, ago, count, date, duration, loss, percent } from '../format.js';
import { link } from '../router.js';
import { inShort, settings } from '../spec_words.js';
import { standing } from './standing.js';

export class Header {
  /** @param {string} id @param {HTMLElement} actions @param {HTMLElement} wrong */
  constructor(id, actions, wrong) {
    this.name = h('h1');
    this.chip = h('span', { class: 'chip' });
    this.short = h('p', { class: 'experiment__short' });
    this.fill = h('div', { class: 'bar__fill' });
    this.bar = h('div', { class: 'bar', role: 'progressbar', 'aria-label': 'Progress', 'aria-valuemin': 0, 'aria-valuemax': 100 }, this.fill);
    this.text = h('p', { class: 'experiment__text' });
    this.more = h('ul', { class: 'experiment__more' });
    this.said = '';
    this.trace = h('details', { class: 'trace' }, h('summary', 'Where it failed'), h('pre', { tabIndex: 0 }));
    this.figures = h('dl', { class: 'headline' });
    this.settings = h('dl', { class: 'settings-list' });
    this.node = h('header', { class: 'experiment' },
      h('div', { class: 'row row--apart experiment__top' },
        h('div', { class: 'experiment__name' }, swatch(colourOf(id)), this.name, this.chip), actions),
      this.short, wrong, this.bar, this.text, this.more, this.trace, this.figures,
      h('details', { class: 'all-settings', dataset: { control: 'settings' } }, h('summary', 'All settings, and where it was trained'), this.settings));
  }

  /** @param {any} run @param {{ending: boolean}} options */
  show(run, { ending }) {
    const { chip, word, text, more } = standing(run, { cancelling: ending });
    write(this.name, run.name);
    this.chip.className = `chip chip--${chip}`;
    write(this.chip, word);
    replace(this.short, inShort(run.spec).join(' · '), ` · ${count(run.parameters)} parameters`, run.owner ? ` · ${run.owner}` : '', ' · ',
      h('time', { datetime: run.created_at, title: date(run.created_at) }, ago(run.created_at)));
    const active = run.state === 'running' || run.state === 'queued';
    this.bar.hidden = !active;
    this.fill.style.setProperty('transform', `scaleX(${run.progress.fraction})`);
    this.bar.setAttribute('aria-valuenow', String(Math.round(100 * run.progress.fraction)));
    write(this.text, text);
    this.text.classList.toggle('bad', run.state === 'failed' || run.diverged);
    this.showMore(run, more);
    const tail = run.error?.traceback_tail;
    this.trace.hidden = !tail;
    write(this.trace.lastElementChild, tail ?? '');
    this.showFigures(run);
    this.showSettings(run);
  }

  /** @param {any} run @param {string[]} more */
  showMore({ id, reproduction }, more) {
    const now = more.join('\n');
    if (this.said === now) return;
    this.said = now;
    const repeated = reproduction && h('li', h('a', { href: link('experiments', reproduction.of) }, 'The run that it repeats'), ', and ',
      h('a', { href: link('compare', null, { ids: `${reproduction.of},${id}` }) }, 'the two side by side'));
    replace(this.more, more.map((each) => h('li', each)), repeated);
  }

  /** @param {any} run */
  showFigures(run) {
    const { best, last, test, progress } = run;
    const active = run.state === 'queued' || run.state === 'running';
    const none = active ? 'no epoch yet' : 'no epoch';
    const figures = [
      ['Best validation', percent(best?.val_accuracy), best ? `epoch ${best.epoch}, loss ${loss(best.val_loss)}` : none],
      ['Test', percent(test?.accuracy), test ? `loss ${loss(test.loss)}` : active ? 'looked at once, at the end' : 'never looked at'],
      ['Last validation', percent(last?.val_accuracy), last ? `epoch ${last.epoch}, loss ${loss(last.val_loss)}` : none],
      ['Last training', percent(last?.train_accuracy), last ? `loss ${loss(last.train_loss)}` : none],
      ['Speed', progress.samples_per_second ? count(progress.samples_per_second) : NONE, 'images a second'],
      ['Took', took(run), run.worker ? `on ${run.worker}` : active ? 'no worker yet' : 'no worker'],
    ];
    replace(this.figures, figures.map(([label, value, note]) => h('div', { class: 'headline__one' }, h('dt', label), h('dd', h('span', { class: 'headline__value' }, value), h('span', { class: 'headline__note' }, note)))));
  }

  /** @param {any} run */
  showSettings(run) {
    const environment = Object.entries(run.environment ?? {}).map(([name, value]) => [`environment.${name}`, String(value)]);
    const all = [...settings(run.spec), ['spec hash', run.spec_hash], ['id', run.id], ...environment];
    if (this.settings.childElementCount !== all.length) replace(this.settings, all.map(([path, value]) => h('div', h('dt', path), h('dd', value))));
  }
}

/** @param {any} run */
function took({ started_at: began, finished_at: ended }) {
  if (!began) return NONE;
  return duration(((ended ? Date.parse(ended) : Date.now()) - Date.parse(began)) / 1000);
}
