// @ts-check
/** A spec in a few words, as lists and headings have it. Nothing here knows what architectures there are. */

/** "mlp 64-32": the name and the widths of its layers. @param {any} spec */
export function network(spec) {
  const { name, ...options } = spec.architecture;
  const widths = Object.values(options).filter((each) => Array.isArray(each) && each.length);
  return [name, ...widths.map((each) => each.join('-'))].join(' ');
}

/** What is learnt by which network. @param {any} spec */
export function inWords(spec) {
  const { dataset, optimizer, activation, seed } = spec;
  const parts = [dataset.name, network(spec), activation, `${optimizer.name} ${optimizer.learning_rate}`];
  return (seed ? [...parts, `seed ${seed}`] : parts).join(' · ');
}

/**
 * The state in one word; a run that has diverged says so, whatever has become of it.
 * @param {any} experiment
 */
export function stateOf(experiment) {
  return experiment.diverged && experiment.state === 'completed' ? 'diverged' : experiment.state;
}
