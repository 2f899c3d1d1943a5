// @ts-check
/** How a view is presented: a projector's large type, and controls that its link leaves out (`hide=`, `view=projector`). */

import { h, replace } from './dom.js';
import { route, setParams } from './router.js';

const hidden = new CSSStyleSheet();
document.adoptedStyleSheets = [...document.adoptedStyleSheets, hidden];
const DETACHED = 'present';

/** @param {URLSearchParams} params */
export function apply(params) {
  if (params.get('view') === 'projector') document.documentElement.dataset.view = 'projector';
  else delete document.documentElement.dataset.view;
  const groups = listed(params);
  const selector = groups.includes('all') ? '[data-control]' : groups.map((each) => `[data-control=${JSON.stringify(each)}]`).join(', ');
  hidden.replaceSync(selector ? `${selector} { display: none !important; }` : '');
}

/** Projector view on and off. */
export function toggle() {
  setParams({ view: route().params.get('view') === 'projector' ? null : 'projector' });
}

/** Choose in a dialog what the link of this view shows. */
export function choose() {
  const groups = [...new Set([...document.querySelectorAll('[data-control]')].map((each) => /** @type {HTMLElement} */ (each).dataset.control ?? ''))]
    .filter((each) => each && each !== DETACHED)
    .sort();
  const { params } = route();
  const away = new Set(listed(params));
  const address = h('input', { type: 'text', readonly: true, class: 'field__input', 'aria-label': 'Link of this view' });
  const projector = h('input', { type: 'checkbox', checked: params.get('view') === 'projector' });
  const boxes = groups.map((name) => h('input', { type: 'checkbox', checked: !away.has(name) && !away.has('all'), value: name }));
  const dialog = h('dialog', { class: 'present', 'aria-labelledby': 'present-title' });

  function change() {
    const out = boxes.filter((each) => !each.checked).map((each) => each.value);
    setParams({ view: projector.checked ? 'projector' : null, hide: out.length ? out.join(',') : null });
    address.value = location.href;
  }

  replace(
    dialog,
    h('h2', { id: 'present-title' }, 'Present this view'),
    h('p', { class: 'muted' }, 'Large type for a projector, and only the controls that a class needs. The link opens the view just so.'),
    h('label', { class: 'check' }, projector, 'Projector view'),
    h('fieldset', h('legend', 'Controls that are shown'), boxes.map((each) => h('label', { class: 'check' }, each, each.value.replaceAll('-', ' ')))),
    h('label', { class: 'field' }, 'Link', address),
    h('form', { method: 'dialog' }, h('button', { class: 'button' }, 'Close')),
  );
  for (const each of [projector, ...boxes]) each.addEventListener('change', change);
  address.value = location.href;
  address.addEventListener('focus', () => address.select());
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** @param {URLSearchParams} params */
function listed(params) {
  return (params.get('hide') ?? '').split(',').filter(Boolean);
}
