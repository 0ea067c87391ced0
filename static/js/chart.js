// How did the messages leave, minute by minute? Bars of the ledger's colours, drawn anew as the live part arrives.
"use strict";

(() => {
  const canvas = document.querySelector("canvas[data-chart]");
  if (!canvas) return;

  const EVERY_MS = 4000;
  const LEDGER = ["sent", "unknown", "failed", "expired", "skipped", "cancelled"];
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  let chart = null;
  let answer = null;
  let askedAt = 0;
  let later = null;

  // Colours are written as light-dark() and oklch(): the browser resolves them, a canvas then takes the result.
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);
  function colour(name) {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  }

  function word(code) {
    return canvas.getAttribute(`data-word-${code}`) || code;
  }

  const clock = new Intl.DateTimeFormat(document.documentElement.lang, {
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
    timeZone: zoneOfTheUser(),
  });

  function zoneOfTheUser() {
    const zone = document.getElementById("menu-timezone")?.defaultValue;
    try {
      new Intl.DateTimeFormat("en", { timeZone: zone });
      return zone;
    } catch {
      return undefined;
    }
  }

  // A minute in which nothing left is a gap people want to see; a mailing of days is thinned to what fits.
  function columns() {
    const minutes = answer.minutes.map((text) => Date.parse(/Z|[+-]\d\d:\d\d$/.test(text) ? text : `${text}Z`));
    if (!minutes.length) return { starts: [], step: 60000, place: () => 0 };
    const first = minutes[0];
    const span = minutes[minutes.length - 1] - first + 60000;
    const step = Math.max(1, Math.ceil(span / 60000 / 120)) * 60000;
    const starts = Array.from({ length: Math.max(12, Math.ceil(span / step)) }, (_, n) => first + n * step);
    return { starts, minutes, place: (at) => Math.floor((at - first) / step) };
  }

  function datasets({ starts, minutes, place }) {
    return LEDGER.filter((code) => answer.series[code]?.some(Boolean))
      .map((code) => {
        const values = answer.series[code];
        const sums = new Array(starts.length).fill(0);
        values.forEach((n, index) => {
          sums[place(minutes[index])] += n;
        });
        return { label: word(code), data: sums, backgroundColor: colour(`--status-${code}`) };
      });
  }

  function draw() {
    const table = columns();
    const sets = table.starts.length ? datasets(table) : [];
    canvas.parentElement.querySelector("[data-chart-empty]").hidden = sets.length > 0;
    canvas.hidden = sets.length === 0;
    if (!sets.length) return;
    const labels = table.starts.map((at) => clock.format(at));
    if (!chart) chart = new Chart(canvas, { type: "bar", data: { labels, datasets: sets }, options: {} });
    chart.data = { labels, datasets: sets };
    chart.options = options();
    chart.update(still ? "none" : undefined);
  }

  function options() {
    const ink = colour("--ink-soft");
    const line = colour("--line");
    const font = { family: getComputedStyle(document.body).fontFamily, size: 12 };
    return {
      locale: document.documentElement.lang,
      maintainAspectRatio: false,
      animation: { duration: 300 },
      categoryPercentage: 0.9,
      barPercentage: 0.9,
      maxBarThickness: 28,
      scales: {
        x: { stacked: true, grid: { display: false }, border: { color: line }, ticks: { color: ink, font, maxRotation: 0, autoSkipPadding: 16 } },
        y: { stacked: true, beginAtZero: true, grid: { color: line }, border: { display: false }, ticks: { color: ink, font, precision: 0, maxTicksLimit: 5 } },
      },
      plugins: {
        legend: { display: true, position: "bottom", align: "start", labels: { color: ink, font, boxWidth: 10, boxHeight: 10, padding: 12 } },
        tooltip: { mode: "index", intersect: false, bodyFont: font, titleFont: font },
      },
    };
  }

  async function refresh() {
    clearTimeout(later);
    askedAt = Date.now();
    try {
      const response = await fetch(canvas.dataset.chart, { headers: { Accept: "application/json", "X-Poll": "1" } });
      if (!response.ok) return;
      answer = await response.json();
      draw();
    } catch {
      // The live part says by itself that the connection is lost; the old picture stays.
    }
  }

  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id !== canvas.dataset.follows && !event.target.closest?.(`#${canvas.dataset.follows}`)) return;
    clearTimeout(later);
    later = setTimeout(refresh, Math.max(0, askedAt + EVERY_MS - Date.now()));
  });
  const redraw = () => answer && draw();
  document.addEventListener("vestnik:theme", redraw);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  refresh();
})();
