// @ts-check
// Before the first paint, and therefore no module: a page that is to be dark is never light for a moment.
try {
  const chosen = JSON.parse(localStorage.getItem('ardoise.theme') ?? 'null');
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
} catch {
  // no storage, or something else in it: the system's own theme
}
