// @ts-check
/** One network that reads the slate: which one, from which epoch, what it reads, and what it saw. */

import { Bars } from '../charts/bars.js';
import { swatch } from '../charts/crosshair.js';
import { colourOf } from '../colours.js';
import { h, replace, write } from '../dom.js';
import { EpochSlider, stored } from '../epoch_slider.js';
import { NONE, percent } from '../format.js';
import { Problem, get, send } from '../http.js';
import { picture, show as showPicture } from '../images/shown.js';
import { poll } from '../live.js';
import { newest } from '../newest.js';
import { link } from '../router.js';
import { offer } from './runs.js';
import { told, treatment } from './verdict.js';

const LEARNING = 1000;
const ENDED = 10_000;

export class Reader {
  /**
   * @param {object} options
   * @param {import('./runs.js').Reader} options.of
   * @param {import('./pad.js').Pad} options.pad
   * @param {(of: import('./runs.js').Reader) => void} options.chosen another run, or another epoch
   * @param {() => void} options.removed
   * @param {() => void} options.answered
   */
  constructor({ of, pad, chosen, removed, answered }) {
    this.of = of;
    this.pad = pad;
    this.end = new AbortController();
    this.answered = answered;
    /** @type {any} */
    this.run = null;
    /** What was read last; null where the slate is empty or was not read yet. @type {any} */
    this.reading = null;
    this.several = false;
    this.at = 0;
    /** The classes by name. @type {string[]} */
    this.labels = [];
    /** @type {Bars | null} */
    this.bars = null;

    this.select = h('select', { 'aria-label': 'Run', onChange: () => chosen({ id: this.select.value, checkpoint: 'best' }) });
    this.page = h('a', { class: 'reader__page', href: link('experiments', of.id), title: 'Its page' }, 'Its page');
    this.remove = h('button', { type: 'button', class: 'button button--quiet', 'aria-label': 'Take this network away', title: 'Take away', onClick: removed }, '×');
    this.mark = h('span');
    this.digit = h('output', { class: 'reader__digit' }, NONE);
    this.sure = h('p', { class: 'reader__sure num' });
    this.verdict = h('p', { class: 'reader__verdict' });
    this.details = h('ul', { class: 'reader__details' });
    this.pieces = h('div', { class: 'reader__pieces', hidden: true });
    this.seen = picture(null, 'What the network sees', { class: 'reader__seen' });
    this.done = h('figcaption', { class: 'muted' });
    this.figure = h('figure', { class: 'reader__figure', hidden: true }, this.seen, this.done);
    this.chart = h('div', { class: 'reader__chart' });
    this.wrong = h('p', { class: 'bad', role: 'alert' });
    this.slider = new EpochSlider({ signal: this.end.signal, changed: (checkpoint) => chosen({ id: this.of.id, checkpoint }) });
    this.node = h('section', { class: 'panel reader' },
      h('header', { class: 'reader__head', dataset: { control: 'networks' } }, this.mark, this.select, this.remove),
      this.slider.node,
      h('div', { class: 'reader__answer' }, this.digit, h('div', this.sure, this.verdict), this.figure),
      h('div', { class: 'reader__rest' }, this.pieces, this.chart, this.details, this.wrong, this.page));
    this.put = newest((how) => this.ask(how), (found) => this.take(found), (error) => this.fail(error));
    poll(() => this.follow(), { every: () => (this.run?.state === 'running' ? LEARNING : ENDED), signal: this.end.signal, failed: (problem) => this.fail(problem) });
  }

  /** The run, how far it is, and what is stored of it by now: what learns while one looks is asked again. */
  async follow() {
    const { signal } = this.end;
    const { id } = this.of;
    const run = await get(`/v1/experiments/${id}`, { signal });
    const before = this.run;
    this.run = run;
    if (before && before.progress.epoch === run.progress.epoch && before.state === run.state) return;
    const [found, sets] = await Promise.all([stored(id, signal), get('/v1/datasets', { signal })]);
    if (signal.aborted) return;
    this.labels = sets.items.find((/** @type {any} */ each) => each.name === run.spec.dataset.name)?.facts.labels ?? [];
    this.slider.show(found, this.of.checkpoint);
    const colour = colourOf(id);
    replace(this.mark, swatch(colour));
    this.node.setAttribute('aria-label', run.name);
    if (!this.select.options.length) offer(this.select, [], run);
    this.read();
  }

  /** @param {any[]} runs */
  offer(runs) {
    offer(this.select, runs, this.run ?? { id: this.of.id, name: this.of.id });
  }

  /** Other weights of the same run. @param {import('./runs.js').Reader} of */
  choose(of) {
    if (of.checkpoint === this.of.checkpoint) return;
    this.of = of;
    this.slider.show(this.slider.stored, of.checkpoint);
    this.read();
  }

  /** Read the slate as it is now. @param {{several?: boolean}} [how] `several`: digit by digit */
  read({ several = this.several } = {}) {
    this.several = several;
    this.put({ several });
  }

  /** @param {{several: boolean}} how */
  async ask({ several }) {
    const sent = this.pad.picture();
    if (sent.empty || !this.slider.stored.epochs.length) return null;
    const { id, checkpoint } = this.of;
    const path = `/v1/experiments/${id}/predictions?checkpoint=${checkpoint}&seen=true${several ? '&segment=true' : ''}`;
    return send('POST', path, sent.blob, { headers: { 'Content-Type': sent.blob.type }, signal: this.end.signal });
  }

  /** @param {any} found */
  take(found) {
    if (this.end.signal.aborted) return;
    this.reading = found;
    this.at = Math.min(this.at, Math.max(0, (found?.predictions.length ?? 0) - 1));
    write(this.wrong, '');
    this.draw();
    this.answered();
  }

  /** @param {any} error */
  fail(error) {
    if (this.end.signal.aborted) return;
    if (!(error instanceof Problem)) throw error;
    this.reading = null;
    this.draw();
    write(this.wrong, error.message);
    this.answered();
  }

  /** What is read, in a word. @returns {string | null} */
  get text() {
    return this.reading && (this.reading.text ?? this.reading.predictions[0]?.label ?? null);
  }

  draw() {
    const predictions = this.reading?.predictions ?? [];
    const shown = predictions[this.at];
    const several = this.reading?.text !== undefined && this.reading?.text !== null && predictions.length > 1;
    write(this.digit, (several ? this.reading.text : shown?.label) ?? NONE);
    this.digit.classList.toggle('is-long', (this.digit.textContent ?? '').length > 2);
    write(this.sure, shown ? percent(shown.confidence, 1) : '');
    const said = shown ? told(shown) : null;
    write(this.verdict, said?.title ?? (this.pad.strokes.empty ? 'The slate is empty.' : this.run && !this.slider.stored.epochs.length ? 'It has no weights yet.' : ''));
    this.verdict.className = `reader__verdict ${said?.tone ?? 'muted'}`;
    replace(this.details, (said?.details ?? []).map((each) => h('li', each)));
    this.figure.hidden = !shown?.preprocessing.seen;
    if (shown?.preprocessing.seen) {
      showPicture(this.seen, shown.preprocessing.seen);
      write(this.done, treatment(shown.preprocessing));
    }
    if (shown && this.bars?.rows.length !== shown.probabilities.length) {
      this.bars = new Bars(shown.probabilities.map((/** @type {any} */ _, /** @type {number} */ i) => this.labels[i] ?? String(i)), 'How probable it finds each digit');
      replace(this.chart, this.bars.node);
    }
    this.bars?.show(shown?.probabilities ?? null, { top: shown?.digit ?? null });
    this.list(several ? predictions : []);
  }

  /** The digits of one picture, to be looked at one by one. @param {any[]} predictions */
  list(predictions) {
    this.pieces.hidden = !predictions.length;
    replace(this.pieces, predictions.map((each, i) => h('button', { type: 'button', class: `piece ${told(each).tone}`, 'aria-pressed': String(i === this.at), onClick: () => { this.at = i; this.draw(); this.pieces.children[i].focus(); } }, picture(each.preprocessing.seen, ''), h('span', `${each.label} `, h('small', percent(each.confidence, 0))))));
  }

  close() {
    this.end.abort();
    this.node.remove();
  }
}
