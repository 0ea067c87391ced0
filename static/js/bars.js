// How do the bars above an open page stay true? (web/brakes.py)
"use strict";

// Every request says which bars stand here; an answer that knows better sends the event bars-changed.
document.addEventListener("htmx:configRequest", (event) => {
  const bars = document.getElementById("bars");
  if (bars) event.detail.headers["X-Bars"] = bars.dataset.version;
});

// Where something else on the page asks anyhow, the bars' own timer may rest.
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.detail.elt.id !== "bars-poll" || event.detail.requestConfig.triggeringEvent) return;
  if (document.querySelectorAll("[data-poll]").length > 1) event.preventDefault();
});
