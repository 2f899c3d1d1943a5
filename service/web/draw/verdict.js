// @ts-check
/** What the digit doctor says of a picture, in a sentence. */

const TITLES = { digit: 'A digit like those it has learnt from', doubtful: 'Doubtful: read it with care', no_digit: 'No digit that it knows: the answer means nothing' };
/** @type {Record<string, string>} */
const CLASSES = { digit: 'good', doubtful: 'warn', no_digit: 'bad' };

/**
 * @typedef {{title: string, tone: string, details: string[], several: boolean}} Told
 *
 * @param {any} examined an `ExaminedPrediction`
 * @returns {Told}
 */
export function told({ verdict, reasons, preprocessing, distance_unavailable: unavailable }) {
  const said = reasons.map((/** @type {any} */ each) => each.detail);
  const warned = preprocessing.warnings.filter((/** @type {string} */ each) => !said.includes(each));
  return {
    title: TITLES[/** @type {keyof typeof TITLES} */ (verdict)],
    tone: CLASSES[verdict],
    details: [...said, ...warned, ...(unavailable ? [`How far it is from the training images is not known: ${unavailable}.`] : [])],
    several: reasons.some((/** @type {any} */ each) => each.code === 'several_digits'),
  };
}

/** What was done to the picture before the network saw it. @param {any} preprocessing */
export function treatment({ inverted, cropped }) {
  if (!cropped) return inverted ? 'Inverted, else as it is' : 'Taken as it is';
  return `Ink of ${cropped[2]} × ${cropped[3]} pixels cut out${inverted ? ', inverted' : ''}`;
}
