// How did the messages leave over time? Bars of the ledger's colours, and the same numbers as a table. The whole is
// asked for once; from then on each poll of the page brings the last minutes along.
"use strict";

(() => {
  const canvas = document.querySelector("canvas[data-chart]");
  if (!canvas) return;
  const { LEDGER, language, colour } = ledgerChart;

  const MINUTE = 60000;
  const HOUR = 60 * MINUTE;
  const QUARTER = 15 * MINUTE;
  const DAY = 24 * HOUR;
  const STEPS = [MINUTE, 5 * MINUTE, QUARTER, HOUR, 3 * HOUR, 6 * HOUR, DAY, 7 * DAY, 30 * DAY];
  const [FEWEST_COLUMNS, MOST_COLUMNS] = [12, 90];
  // Pixels that a column needs to be seen.
  const NARROWEST = 7;
  const table = document.getElementById(canvas.dataset.table);
  const legend = document.getElementById(canvas.dataset.legend);
  // Instant of a minute → {status: messages}.
  const minutes = new Map();
  let chart = null;
  let isWhole = false;
  let toldAt = 0;

  function word(code) {
    return canvas.getAttribute(`data-word-${code}`) || code;
  }

  const timeZone = zoneOfTheUser();
  const time = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  // What a column says of itself is the user's clock already, written as if it were Greenwich's.
  const said = { timeZone: "UTC" };
  const clock = new Intl.DateTimeFormat(language, { ...time, ...said });
  const dayOnly = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", ...said });
  const dayAndClock = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", ...time, ...said });
  const parts = new Intl.DateTimeFormat("en", { year: "numeric", month: "numeric", day: "numeric", ...time, timeZone });
  const offsets = new Map();
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

  // By the user's clock, so that an hour is one of theirs and a day begins at their midnight.
  function wall(at) {
    const quarter = Math.floor(at / QUARTER);
    if (!offsets.has(quarter)) {
      const of = Object.fromEntries(parts.formatToParts(at).map((part) => [part.type, Number(part.value)]));
      offsets.set(quarter, Date.UTC(of.year, of.month - 1, of.day, of.hour, of.minute) - Math.floor(at / MINUTE) * MINUTE);
    }
    return at + offsets.get(quarter);
  }

  // As fine as still can be seen: minutes, then longer steps up to a day. One in which nothing left is a gap.
  function columns() {
    const known = [...minutes.keys()].sort((a, b) => a - b);
    if (!known.length) return { step: MINUTE, shown: [] };
    // Where clocks are put back, a later minute may bear an earlier time.
    const [first, last] = known.map(wall).reduce(([low, high], at) => [Math.min(low, at), Math.max(high, at)], [Infinity, -Infinity]);
    const most = Math.max(12, Math.min(MOST_COLUMNS, Math.floor(canvas.parentElement.clientWidth / NARROWEST)));
    const step = STEPS.find((each) => Math.floor(last / each) - Math.floor(first / each) < most) || STEPS[STEPS.length - 1];
    const start = Math.floor(first / step);
    const n = Math.max(FEWEST_COLUMNS, Math.floor(last / step) - start + 1);
    const shown = Array.from({ length: n }, (_, index) => ({ at: (start + index) * step }));
    for (const at of known) {
      const column = shown[Math.floor(wall(at) / step) - start];
      for (const [code, count] of Object.entries(minutes.get(at))) column[code] = (column[code] || 0) + count;
    }
    return { step, shown };
  }

  function draw() {
    const { step, shown } = columns();
    const codes = LEDGER.filter((code) => shown.some((column) => column[code] > 0));
    const label = labelOf(step, shown);
    canvas.parentElement.querySelector("[data-chart-empty]").hidden = codes.length > 0;
    canvas.hidden = codes.length === 0;
    tell(shown.filter((column) => codes.some((code) => column[code])), codes, label);
    ledgerChart.tellColours(legend, codes);
    if (!codes.length) return;
    const labels = shown.map((column) => label.format(column.at));
    const datasets = codes.map((code) => ({
      label: word(code),
      data: shown.map((column) => column[code] || 0),
      backgroundColor: colour(`--status-${code}`),
    }));
    chart = ledgerChart.show(chart, canvas, { labels, datasets }, options());
  }

  function labelOf(step, shown) {
    if (step >= DAY) return dayOnly;
    const isOneDay = shown.length && Math.floor(shown[0].at / DAY) === Math.floor(shown[shown.length - 1].at / DAY);
    return isOneDay ? clock : dayAndClock;
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
    return ledgerChart.options((_ink, font) => ({
      legend: { display: false },
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
