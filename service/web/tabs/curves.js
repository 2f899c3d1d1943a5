// @ts-check
/** How a run learns: its curves as they grow, and the stretches of them that comments speak of. */

import { CurvePanel } from '../charts/curve_panel.js';
import { follow } from '../charts/curve_feed.js';
import { exports } from '../charts/export_buttons.js';
import { colourOf } from '../colours.js';
import { commands, request } from '../commands.js';
import { h, replace } from '../dom.js';
import { FindingFeed, epochs } from '../experiment/findings.js';

/**
 * @param {HTMLElement} root
 * @param {import('../experiment/tabs.js').TabContext} context
 */
export function show(root, { id, experiment, params, signal, setParams, announce }) {
  const panel = new CurvePanel({ signal, setParams, announce, alone: true });
  const list = h('ul', { class: 'remarks', 'aria-label': 'Comments on the curves' });
  const how = h('div');
  const { colour, dash } = colourOf(id);
  /** @type {import('../charts/series.js').Series | undefined} */
  let series;
  /** @type {any[]} */
  let findings = [];
  /** @type {string | null} pointed at, and not chosen yet */
  let looked = null;
  let name = experiment.name;
  let chosen = params.get('finding');
  let french = params.get('lang') === 'fr';

  function draw() {
    const ranges = findings.map((each) => ({ key: each.kind, from: each.epochs[0], to: each.epochs[1] }));
    const axis = panel.view.axis;
    panel.show({
      runs: series ? [{ id, label: name, colour, dash, series }] : [],
      groups: null,
      ranges: findings.map((each, i) => ({
        key: each.kind, severity: each.severity, text: each.text.en, chosen: each.kind === (looked ?? chosen),
        from: series?.at(ranges[i].from, axis) ?? 0, to: series?.at(ranges[i].to, axis) ?? 0,
      })),
    });
  }

  function comment() {
    replace(list, findings.map((each) => h('li', h('button', {
      type: 'button', class: `remark remark--${each.severity}`, 'aria-pressed': String(each.kind === chosen),
      onClick: () => setParams({ finding: each.kind === chosen ? null : each.kind }),
      onPointerenter: () => look(each.kind), onPointerleave: () => look(null), onFocus: () => look(each.kind), onBlur: () => look(null),
    }, h('span', { class: 'remark__epochs' }, epochs(each)), h('span', { lang: french ? 'fr' : 'en' }, french ? each.text.fr : each.text.en)))));
  }

  /** @param {string | null} kind */
  function look(kind) {
    looked = kind;
    draw();
  }

  panel.controls.node.append(exports(panel, { name: () => name, csv: `/v1/experiments/${id}/metrics?format=csv` }));
  replace(root, panel.node, list, how);
  commands(how, [
    request('The curves and the comments', `/v1/experiments/${id}/learning-curves`),
    request('Every figure of every epoch', `/v1/experiments/${id}/metrics`),
    request('What is newer than epoch 10, held until there is something', `/v1/experiments/${id}/metrics?after_epoch=10&wait=30`),
    request('As a picture', `/v1/experiments/${id}/learning-curves.svg`),
  ]);
  let state = experiment.state;
  const growth = follow([id], { signal, changed: (known) => {
    series = known.get(id);
    draw();
  } });
  const feed = new FindingFeed(id, signal, (found) => {
    findings = found;
    comment();
    draw();
  });
  return {
    /** @param {URLSearchParams} now @param {any} run */
    update(now, run) {
      name = run.name;
      if (run.state !== state) growth.wake();
      state = run.state;
      const before = french;
      chosen = now.get('finding');
      french = now.get('lang') === 'fr';
      if (before !== french) comment();
      [...list.querySelectorAll('.remark')].forEach((each, i) => each.setAttribute('aria-pressed', String(findings[i].kind === chosen)));
      panel.update(now);
      feed.show(run);
      draw();
    },
  };
}
