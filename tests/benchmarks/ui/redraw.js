// @ts-check
/** Twenty runs of a thousand epochs, drawn anew with each epoch that arrives. Read as text and evaluated in a page. */
async (/** @type {{smooth: number, rounds: number}} */ { smooth, rounds }) => {
  const RUNS = 20;
  const EPOCHS = 1000;
  const [{ CurvePanel }, { Series }, { colourOf }] = await Promise.all(
    ['charts/curve_panel.js', 'charts/series.js', 'colours.js'].map((file) => import(`/web/${file}`)));
  const end = new AbortController();
  const panel = new CurvePanel({ signal: end.signal, setParams: () => {}, announce: () => {} });
  document.querySelector('main')?.replaceChildren(panel.node);
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));

  /** @param {string} id @param {number[]} epochs @param {number} seed */
  function growth(id, epochs, seed) {
    const noisy = (/** @type {number} */ scale) => epochs.map((epoch) => scale / Math.sqrt(epoch + seed) + 0.02 * Math.sin(epoch * 12.9898 * (seed + 1)));
    const newest = epochs[epochs.length - 1];
    return {
      experiment_id: id, state: 'running', progress: { epoch: newest, epochs: 2 * EPOCHS }, best: { epoch: EPOCHS / 2 }, diverged: false, resumptions: [],
      epochs, seconds: epochs.map((epoch) => epoch - epochs[0] + 1), learning_rate: epochs, train_loss: noisy(2), val_loss: noisy(2.2),
      train_accuracy: noisy(0.5).map((each) => 1 - each), val_accuracy: noisy(0.6).map((each) => 1 - each),
    };
  }

  const runs = Array.from({ length: RUNS }, (_, seed) => {
    const series = new Series(`run-${seed}`);
    series.grow(growth(series.id, Array.from({ length: EPOCHS }, (_each, i) => i + 1), seed));
    return { id: series.id, label: series.id, ...colourOf(series.id), series };
  });
  panel.update(new URLSearchParams({ smooth: String(smooth) }));
  panel.show({ runs, groups: null, ranges: [] });
  await frame();
  await frame();
  const seconds = [];
  for (let i = 0; i < rounds; i += 1) {
    runs.forEach(({ id, series }, seed) => series.grow(growth(id, [EPOCHS + i + 1], seed)));
    await frame();
    const began = performance.now();
    panel.draw();
    document.body.getBoundingClientRect(); // the browser lays out what was drawn
    seconds.push((performance.now() - began) / 1000);
  }
  end.abort();
  return seconds;
}
