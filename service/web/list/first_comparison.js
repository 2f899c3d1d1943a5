// @ts-check
/** The lab's first comparison, as `ardoise demo` has it: no hidden layer, hidden layers without and with a nonlinearity, convolutions. */

import { send } from '../http.js';

export const TAG = 'first-comparison';
const EPOCHS = 25;
const DENSE = { name: 'mlp', hidden: [64, 32] };

/** @type {[string, any, string][]} */
const NETWORKS = [
  ['perceptron', 'perceptron', 'identity'],
  ['mlp identity', DENSE, 'identity'],
  ['mlp tanh', DENSE, 'tanh'],
  ['mlp sigmoid', DENSE, 'sigmoid'],
  ['mlp relu', DENSE, 'relu'],
  ['cnn relu', { name: 'cnn', channels: [16, 32], hidden: [64] }, 'relu'],
];

/** The six specs. */
export function comparison() {
  return NETWORKS.map(([name, architecture, activation]) => ({
    name,
    architecture,
    activation,
    dataset: { name: 'digits', validation_fraction: 0.2 },
    optimizer: { name: 'adam', learning_rate: 0.002 },
    batch_size: 32,
    epochs: EPOCHS,
    tags: [TAG],
  }));
}

/** Submit them; the ids. @returns {Promise<string[]>} */
export async function begin() {
  const ids = [];
  for (const spec of comparison()) ids.push((await send('POST', '/v1/experiments', spec)).id);
  return ids;
}
