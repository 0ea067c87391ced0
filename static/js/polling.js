// How do htmx's requests behave? They carry the CSRF token; polls wait while nobody looks and say when they fail.
"use strict";

document.addEventListener("htmx:configRequest", (event) => {
  const token = document.querySelector("meta[name=csrf-token]");
  if (token) event.detail.headers["X-CSRFToken"] = token.content;
  // The server must not take a poll for a sign that somebody is there.
  if (event.detail.elt.matches("[data-poll]")) event.detail.headers["X-Poll"] = "1";
});

document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && event.detail.elt.matches("[data-poll]")) event.preventDefault();
});

// Whoever comes back to the tab sees the present, not what was there when they left.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  for (const element of document.querySelectorAll("[data-poll]")) {
    htmx.ajax("GET", element.getAttribute("hx-get"), { source: element });
  }
});

// A poll that fails tries again by itself; whatever else fails needs the person.
function show(event, failed) {
  const bar = document.getElementById(event.detail.elt.matches("[data-poll]") ? "connection-lost" : "request-failed");
  if (bar) bar.hidden = !failed;
}

for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
  document.addEventListener(name, (event) => show(event, true));
}

document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) show(event, false);
});
