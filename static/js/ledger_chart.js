// What do our charts have in common? Stacked bars in the ledger's order and colours, in the page's type.
"use strict";

window.ledgerChart = (() => {
  const LEDGER = ["sent", "unknown", "failed", "expired", "skipped", "cancelled"];
  const language = document.documentElement.lang;

  // Colours are written as light-dark() and oklch(): the browser resolves them, a canvas then takes the result.
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);
  function colour(name) {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  }

  // Asked for anew at each drawing: the theme may have changed. `plugins` is given the ink and the font.
  function options(plugins) {
    const ink = colour("--ink-soft");
    const line = colour("--line");
    const font = { family: getComputedStyle(document.body).fontFamily, size: 12 };
    return {
      locale: language,
      maintainAspectRatio: false,
      // Bars that grow stand in wrong places on their way, and numbers that poll would never stand still.
      animation: false,
      categoryPercentage: 0.9,
      barPercentage: 0.9,
      maxBarThickness: 28,
      scales: {
        x: { stacked: true, grid: { display: false }, border: { color: line }, ticks: { color: ink, font, maxRotation: 0, autoSkipPadding: 16 } },
        y: { stacked: true, beginAtZero: true, grid: { color: line }, border: { display: false }, ticks: { color: ink, font, precision: 0, maxTicksLimit: 5 } },
      },
      plugins: plugins(ink, font),
    };
  }

  // The first time the options come with it: a chart made without them begins with Chart.js' own growing bars.
  function show(chart, canvas, data, options) {
    if (!chart) return new Chart(canvas, { type: "bar", data, options });
    Object.assign(chart, { data, options });
    chart.update();
    return chart;
  }

  // The legend names the colours that occur, with the signs that go with them everywhere.
  function tellColours(legend, codes) {
    for (const entry of legend.children) entry.hidden = !codes.includes(entry.dataset.status);
  }

  return { LEDGER, language, colour, options, show, tellColours };
})();
