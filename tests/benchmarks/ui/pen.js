// Seconds from each pointerup to the frame after the answer to what was asked since: `penTimes.found`.
() => {
  const times = { found: [], answer: null, answered: () => times.answer };
  let done = null;
  window.penTimes = times;
  let lifted = null;
  document.addEventListener('pointerup', () => {
    lifted = performance.now();
    times.answer = new Promise((resolve) => (done = resolve));
  }, true);
  const ask = window.fetch;
  window.fetch = async (path, options) => {
    const since = lifted;
    const mine = since !== null && String(path).includes('/predictions');
    if (mine) lifted = null;
    const answer = await ask(path, options);
    if (mine) {
      const copy = answer.clone();
      copy.arrayBuffer().then(() => setTimeout(() => setTimeout(() => requestAnimationFrame(() => {
        times.found.push((performance.now() - since) / 1000);
        done();
      }))));
    }
    return answer;
  };
}
