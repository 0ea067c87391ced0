// How did the last days go? Bars of the ledger's colours, a day each, and the same numbers as a table.
"use strict";

(() => {
  const canvas = document.querySelector("canvas[data-days]");
  if (!canvas) return;
  const { LEDGER, language, colour } = ledgerChart;

  const EVERY_MS = 15000;
  const number = new Intl.NumberFormat(language);
  // The days are the server's, in the user's zone: as noon of Greenwich none of them slips into another one.
  const short = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", timeZone: "UTC" });
  const long = new Intl.DateTimeFormat(language, { weekday: "short", day: "numeric", month: "long", timeZone: "UTC" });
  const table = document.getElementById(canvas.dataset.table);
  const legend = document.getElementById(canvas.dataset.legend);
  let chart = null;
  let answer = null;
  let askedAt = 0;
  let later = null;

  const noon = (day) => new Date(`${day}T12:00:00Z`);
  const word = (code) => canvas.getAttribute(`data-word-${code}`) || code;
  const seen = () => LEDGER.filter((code) => answer.series[code]?.some(Boolean));

  function draw() {
    const codes = seen();
    canvas.parentElement.querySelector("[data-days-empty]").hidden = codes.length > 0;
    canvas.hidden = codes.length === 0;
    table.closest("details").hidden = codes.length === 0;
    ledgerChart.tellColours(legend, codes);
    if (!codes.length) return;
    const data = {
      labels: answer.days.map((day) => short.format(noon(day))),
      datasets: codes.map((code) => ({
        label: word(code),
        data: answer.series[code],
        backgroundColor: colour(`--status-${code}`),
      })),
    };
    chart = ledgerChart.show(chart, canvas, data, options());
    write(codes);
  }

  function options() {
    const title = ([item]) => long.format(noon(answer.days[item.dataIndex]));
    return ledgerChart.options((_ink, font) => ({
      legend: { display: false },
      tooltip: { mode: "index", intersect: false, bodyFont: font, titleFont: font, callbacks: { title } },
    }));
  }

  // The newest day on top; days on which nothing left are left out.
  function write(codes) {
    const days = answer.days.map((day, index) => [day, index]).filter(([, index]) => codes.some((code) => answer.series[code][index]));
    const first = table.tHead.rows[0].cells[0];
    table.tHead.rows[0].replaceChildren(first, ...codes.map((code) => cell("th", word(code), { scope: "col", className: "number" })));
    const rows = days.reverse().map(([day, index]) => {
      const row = document.createElement("tr");
      const values = codes.map((code) => cell("td", number.format(answer.series[code][index]), { className: "number" }));
      row.append(cell("th", long.format(noon(day)), { scope: "row", className: "nowrap" }), ...values);
      return row;
    });
    table.tBodies[0].replaceChildren(...rows);
  }

  function cell(kind, text, attributes) {
    return Object.assign(document.createElement(kind), { textContent: text }, attributes);
  }

  async function refresh() {
    clearTimeout(later);
    askedAt = Date.now();
    try {
      const response = await fetch(canvas.dataset.days, { headers: { Accept: "application/json", "X-Poll": "1" } });
      if (!response.ok) return;
      answer = await response.json();
      draw();
    } catch {
      // The live part says by itself that the connection is lost; the old picture stays.
    }
  }

  // Only when the living part has changed can today's bar have grown.
  document.addEventListener("htmx:afterSettle", () => {
    clearTimeout(later);
    later = setTimeout(refresh, Math.max(0, askedAt + EVERY_MS - Date.now()));
  });
  const redraw = () => answer && draw();
  document.addEventListener("vestnik:theme", redraw);
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  refresh();
})();
