// @ts-check
/** Whether a view is still on its way: `aria-busy` of the page's main part, from its first moment until all is there. */

/** @type {Element | null} */
let part = null;
let open = 0;

/** A view begins. @param {Element} main */
export function begin(main) {
  part = main;
  main.setAttribute('aria-busy', 'true');
}

/**
 * Work that a view is made of. What it leads to at once counts as well.
 * @template Found
 * @param {Promise<Found>} work
 * @returns {Promise<Found>}
 */
export async function during(work) {
  open += 1;
  try {
    return await work;
  } finally {
    setTimeout(end);
  }
}

function end() {
  open -= 1;
  if (!open) part?.removeAttribute('aria-busy');
}
