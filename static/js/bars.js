// How do the bars above an open page stay true? (web/brakes.py)
"use strict";

// Every request says which bars stand here; an answer that knows better sends the event bars-changed.
document.addEventListener("htmx:configRequest", (event) => {
  const bars = document.getElementById("bars");
  if (bars) event.detail.headers["X-Bars"] = bars.dataset.version;
});

// Where something else on the page asks anyhow, the bars' own timer may rest. On the way down, so that polling.js
// does not take for begun what never leaves.
document.addEventListener(
  "htmx:beforeRequest",
  (event) => {
    if (event.detail.elt.id !== "bars-poll" || event.detail.requestConfig.triggeringEvent) return;
    if (document.querySelectorAll("[data-poll]").length < 2) return;
    event.preventDefault();
    event.stopPropagation();
  },
  true,
);
