// @ts-check
/** A slate to draw digits on, and the networks that read them while one draws. */

import { commands, request } from '../commands.js';
import { disagreements } from '../draw/disagreements.js';
import { keeping } from '../draw/keeping.js';
import { Pad } from '../draw/pad.js';
import { Reader } from '../draw/reader.js';
import { parsed, withWeights, written } from '../draw/runs.js';
import { nothing } from '../draw/strokes.js';
import { tools } from '../draw/tools.js';
import { h, replace, write } from '../dom.js';
import { toBase64 } from '../images/pixels.js';
import { bind } from '../keys.js';
import { link } from '../router.js';
import { recall, remember } from '../store.js';
import { stylesheet } from '../stylesheet.js';

const MOST_READERS = 4;

/**
 * @param {HTMLElement} root
 * @param {import('../app.js').Context} context
 */
export async function show(root, { params, signal, setParams, announce }) {
  const [runs] = await Promise.all([withWeights(signal), stylesheet('draw'), stylesheet('images')]);
  if (!runs.length && !params.get('models')) {
    replace(root, h('h1', 'Draw a digit'), empty());
    return undefined;
  }
  /** @type {Reader[]} */
  let readers = [];
  let several = false;

  const pad = new Pad({ drawing: recall('slate', nothing()), signal, changed });
  const keep = keeping({ pad, readers: () => readers, signal, announce });
  const columns = h('div', { class: 'readers' });
  const agreement = h('p', { class: 'agreement', role: 'status' });
  const add = h('button', { type: 'button', class: 'button', dataset: { control: 'networks' }, onClick: another }, 'Put a network beside it');
  const differ = h('details', { class: 'panel disagreeing', hidden: true, onToggle: () => setParams({ differ: differ.open ? '1' : null }) }, h('summary', 'Which test digits do they read differently?'));
  const differing = h('div', { class: 'disagreeing__body' });
  const how = h('div');
  const bar = tools({ pad, signal, several: (whether) => setParams({ several: whether ? '1' : null }), announce });
  differ.append(differing);

  replace(root,
    h('h1', 'Draw a digit'),
    h('div', { class: 'drawing' },
      h('div', { class: 'drawing__slate' }, pad.node, bar.node),
      h('div', { class: 'drawing__readers' }, h('div', { class: 'row row--apart drawing__head' }, agreement, add), columns)),
    keep.node, differ, how);

  function changed() {
    for (const each of readers) each.read({ several });
    bar.show();
    keep.show();
    if (!pad.drawn) leave();
  }

  /** What is drawn is still there after a look elsewhere, and a run can be looked into with it. */
  async function leave() {
    remember('slate', pad.strokes.drawing);
    remember('drawn', pad.strokes.empty ? null : await toBase64(await pad.png()));
    tell();
  }

  function answered() {
    pad.frame(several && readers[0]?.reading ? readers[0].reading.predictions.map((/** @type {any} */ each) => each.box).filter(Boolean) : []);
    const read = readers.map((each) => each.text);
    const all = readers.length > 1 && read.every((each) => each !== null);
    write(agreement, !all ? '' : read.every((each) => each === read[0]) ? `Both read ${read[0]}.`.replace('Both', readers.length > 2 ? 'All' : 'Both') : `They disagree: ${read.join(', ')}.`);
    agreement.classList.toggle('warn', all && new Set(read).size > 1);
    keep.show();
  }

  /** @param {import('../draw/runs.js').Reader[]} wanted */
  function choose(wanted) {
    setParams({ models: written(wanted) });
  }

  function another() {
    const shown = new Set(readers.map((each) => each.of.id));
    const last = readers.at(-1)?.of;
    const next = runs.find((each) => !shown.has(each.id) && each.spec.dataset.name === readers[0]?.run?.spec.dataset.name) ?? runs.find((each) => !shown.has(each.id));
    choose([...readers.map((each) => each.of), next ? { id: next.id, checkpoint: 'best' } : { id: String(last?.id), checkpoint: 'last' }]);
  }

  /** Readers that stay keep what they show. @param {import('../draw/runs.js').Reader[]} wanted */
  function seat(wanted) {
    const before = readers;
    readers = wanted.slice(0, MOST_READERS).map((of, place) => {
      const found = before[place]?.of.id === of.id ? before[place] : null;
      found?.choose(of);
      return found ?? seated(of);
    });
    for (const each of before) if (!readers.includes(each)) each.close();
    if (readers.some((each, i) => columns.children[i] !== each.node) || columns.children.length !== readers.length) replace(columns, readers.map((each) => each.node));
    for (const each of readers) each.remove.hidden = readers.length === 1;
    columns.dataset.readers = String(readers.length);
    add.hidden = readers.length >= MOST_READERS;
    answered();
  }

  /** @param {import('../draw/runs.js').Reader} of */
  function seated(of) {
    const reader = new Reader({
      of, pad, answered,
      chosen: (now) => choose(readers.map((each) => (each === reader ? now : each.of))),
      removed: () => choose(readers.filter((each) => each !== reader).map((each) => each.of)),
    });
    reader.several = several;
    reader.offer(runs);
    return reader;
  }

  /** @param {URLSearchParams} now */
  function update(now) {
    const asked = parsed(now.get('models'));
    const wanted = now.get('several') === '1';
    if (wanted !== several) {
      several = wanted;
      pad.widen(several);
    }
    bar.show({ several });
    seat(asked.length ? asked : [{ id: runs[0].id, checkpoint: 'best' }]);
    compare(now.get('differ') === '1');
    tell();
  }

  let compared = '';
  /** @param {boolean} open */
  function compare(open) {
    const ids = [...new Set(readers.map((each) => each.of.id))];
    differ.hidden = ids.length < 2;
    differ.open = open && ids.length > 1;
    if (!differ.open || compared === ids.join()) return;
    compared = ids.join();
    disagreements(differing, ids, { signal, put: lay });
  }

  /** @param {string} image @param {string} what */
  function lay(image, what) {
    pad.change((strokes) => strokes.put(image));
    pad.canvas.scrollIntoView({ block: 'nearest' });
    announce(`On the slate: ${what}`);
  }

  function tell() {
    const drawn = recall('drawn', null);
    const body = drawn ? { images: [{ base64: drawn }] } : { pixels: [[0, 0, 0], [0, 255, 0], [0, 255, 0], [0, 0, 0]] };
    commands(how, readers.map(({ of, run }) => request(`What ${run?.name ?? 'this network'} reads in the drawing`, `/v1/experiments/${of.id}/predictions?checkpoint=${of.checkpoint}&seen=true`, { body })));
  }

  signal.addEventListener('abort', () => readers.forEach((each) => each.close()));
  bind({
    ...bar.keys,
    s: { label: 'Keep the digit as an example', run: () => keep.store() },
    '0 … 9': { label: 'Say which digit it is', run: () => undefined },
    ...Object.fromEntries(Array.from({ length: 10 }, (_, digit) => [String(digit), { label: '', run: () => keep.choose(digit) }])),
  }, { signal });
  update(params);
  pad.prepare();
  return { update };
}

function empty() {
  return h('section', { class: 'panel empty' },
    h('p', 'No network has learnt anything yet, so nobody could read what you draw.'),
    h('a', { class: 'button button--main', href: link('experiments') }, 'Train one'));
}
