// How did the messages leave over time? Bars of the ledger's colours, and the same numbers as a table. The whole is
// asked for once; from then on each poll of the page brings the last minutes along.
"use strict";

(() => {
  const canvas = document.querySelector("canvas[data-chart]");
  if (!canvas) return;
  const { LEDGER, language, still, colour } = ledgerChart;

  const MINUTE = 60000;
  const COLUMNS = 120;
  const table = document.getElementById(canvas.dataset.table);
  // Instant of a minute → {status: messages}.
  const minutes = new Map();
  let chart = null;
  let isWhole = false;
  let toldAt = 0;

  function word(code) {
    return canvas.getAttribute(`data-word-${code}`) || code;
  }

  const timeZone = zoneOfTheUser();
  const time = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZone };
  const clock = new Intl.DateTimeFormat(language, time);
  const dayAndClock = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", ...time });
  const day = new Intl.DateTimeFormat("en", { dateStyle: "short", timeZone });
  const number = new Intl.NumberFormat(language);

  function zoneOfTheUser() {
    const zone = document.getElementById("menu-timezone")?.defaultValue;
    try {
      new Intl.DateTimeFormat("en", { timeZone: zone });
      return zone;
    } catch {
      return undefined;
    }
  }

  // `since`: what was known from there on is replaced, for a resent message is no failed one any more.
  function take(answer, since) {
    for (const at of minutes.keys()) if (at >= since) minutes.delete(at);
    answer.minutes.forEach((text, index) => {
      const found = {};
      for (const [code, values] of Object.entries(answer.series)) if (values[index]) found[code] = values[index];
      minutes.set(Date.parse(text.replace(" ", "T")), found);
    });
    toldAt = Date.now();
  }

  // A minute in which nothing left is a gap people want to see; a mailing of days is drawn in longer steps.
  function columns() {
    const known = [...minutes.keys()].sort((a, b) => a - b);
    if (!known.length) return [];
    const first = known[0];
    const span = known[known.length - 1] - first + MINUTE;
    const step = Math.max(1, Math.ceil(span / MINUTE / COLUMNS)) * MINUTE;
    const found = Array.from({ length: Math.max(12, Math.ceil(span / step)) }, (_, n) => ({ at: first + n * step }));
    for (const at of known) {
      const column = found[Math.floor((at - first) / step)];
      for (const [code, n] of Object.entries(minutes.get(at))) column[code] = (column[code] || 0) + n;
    }
    return found;
  }

  function draw() {
    const shown = columns();
    const codes = LEDGER.filter((code) => shown.some((column) => column[code] > 0));
    const label = shown.length && day.format(shown[0].at) !== day.format(shown[shown.length - 1].at) ? dayAndClock : clock;
    canvas.parentElement.querySelector("[data-chart-empty]").hidden = codes.length > 0;
    canvas.hidden = codes.length === 0;
    tell(shown.filter((column) => codes.some((code) => column[code])), codes, label);
    if (!codes.length) return;
    const labels = shown.map((column) => label.format(column.at));
    const datasets = codes.map((code) => ({
      label: word(code),
      data: shown.map((column) => column[code] || 0),
      backgroundColor: colour(`--status-${code}`),
    }));
    if (!chart) chart = new Chart(canvas, { type: "bar", data: { labels, datasets }, options: {} });
    chart.data = { labels, datasets };
    chart.options = options();
    chart.update(still ? "none" : undefined);
  }

  // For those who cannot see the bars, and for those who want the numbers. Drawn anew only where something changed,
  // so that nobody loses the place they are reading.
  function tell(shown, codes, label) {
    table.closest("details").hidden = codes.length === 0;
    const rows = [[table.dataset.from, ...codes.map(word)]];
    for (const column of shown) rows.push([label.format(column.at), ...codes.map((code) => number.format(column[code] || 0))]);
    const text = JSON.stringify(rows);
    if (table.dataset.shown === text) return;
    table.dataset.shown = text;
    const [head, ...body] = rows.map((row, index) => tableRow(row, index === 0));
    const sections = [document.createElement("thead"), document.createElement("tbody")];
    sections[0].append(head);
    sections[1].append(...body);
    table.tHead?.remove();
    for (const old of [...table.tBodies]) old.remove();
    table.append(...sections);
  }

  function tableRow(cells, isHead) {
    const row = document.createElement("tr");
    cells.forEach((text, index) => {
      const cell = document.createElement(isHead || index === 0 ? "th" : "td");
      if (cell.tagName === "TH") cell.scope = isHead ? "col" : "row";
      if (index > 0) cell.className = "number";
      cell.textContent = text;
      row.append(cell);
    });
    return row;
  }

  function options() {
    return ledgerChart.options((ink, font) => ({
      legend: { display: true, position: "bottom", align: "start", labels: { color: ink, font, boxWidth: 10, boxHeight: 10, padding: 12 } },
      tooltip: { mode: "index", intersect: false, bodyFont: font, titleFont: font },
    }));
  }

  async function askForAll() {
    try {
      const response = await fetch(canvas.dataset.chart, { headers: { Accept: "application/json", "X-Poll": "1" } });
      if (!response.ok) return;
      take(await response.json(), 0);
      isWhole = true;
      draw();
    } catch {
      // The live part says by itself that the connection is lost; the old picture stays.
    }
  }

  function follow() {
    const told = document.getElementById(canvas.dataset.recent)?.dataset.recent;
    if (!told) return;
    const recent = JSON.parse(told);
    const since = Date.parse(recent.since);
    // Nobody looked for so long that minutes are missing in between.
    if (!isWhole || toldAt < since) {
      askForAll();
      return;
    }
    take(recent, since);
    draw();
  }

  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id === "live" || event.target.closest?.("#live")) follow();
  });
  const redraw = () => isWhole && draw();
  document.addEventListener("vestnik:theme", redraw);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  askForAll();
})();
