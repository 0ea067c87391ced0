// How do pages ask for news? One request at a time, none while nobody looks, more rarely while the server is slow
// or away; and screen readers hear of it now and then. An element that is polled has data-poll and an id.
"use strict";

const SLOW_MS = 1000;
const GIVE_UP_MS = 20000;
const LONGEST_PAUSE_MS = 60000;
const SAY_EVERY_MS = 10000;

// By the element's id, because each answer brings a new element.
const polls = new Map();

function pollOf(element) {
  const name = element.id || element.getAttribute("hx-target") || "";
  if (!polls.has(name)) polls.set(name, { isAsking: false, begunAt: 0, pauseMs: 0, notBefore: 0 });
  return polls.get(name);
}

function isPoll(element) {
  return element.matches?.("[data-poll]");
}

// An answer may take the element that asked off the page: then htmx tells of it through another one.
function asker(event) {
  return event.detail.requestConfig?.elt ?? event.detail.elt;
}

document.addEventListener("htmx:configRequest", (event) => {
  const token = document.querySelector("meta[name=csrf-token]");
  if (token) event.detail.headers["X-CSRFToken"] = token.content;
  if (!isPoll(event.detail.elt)) return;
  // The server must not take a poll for a sign that somebody is there.
  event.detail.headers["X-Poll"] = "1";
  event.detail.timeout = GIVE_UP_MS;
});

document.addEventListener("htmx:beforeRequest", (event) => {
  if (!isPoll(event.detail.elt)) return;
  const poll = pollOf(event.detail.elt);
  if (document.hidden || poll.isAsking || performance.now() < poll.notBefore) {
    event.preventDefault();
    return;
  }
  poll.isAsking = true;
  poll.begunAt = performance.now();
  // The request's own end and not an event of the page, which never hears of an element that it no longer holds.
  event.detail.xhr.addEventListener("loadend", () => heardOf(poll, event.detail));
});

function heardOf(poll, request) {
  const tookMs = performance.now() - poll.begunAt;
  poll.isAsking = false;
  if (request.isBrokenOff) return;
  if (request.successful && tookMs < SLOW_MS) {
    poll.pauseMs = 0;
  } else {
    // Twice as long each time, and never less than ten times what the answer took.
    poll.pauseMs = Math.min(LONGEST_PAUSE_MS, Math.max(2 * poll.pauseMs, 2000, request.successful ? 10 * tookMs : 0));
  }
  poll.notBefore = performance.now() + poll.pauseMs;
}

document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) show(event, false);
});

// Whoever comes back to the tab, or gets the network back, sees the present and not what was there when they left.
function askNow() {
  if (document.hidden) return;
  for (const element of document.querySelectorAll("[data-poll]")) {
    const poll = pollOf(element);
    poll.notBefore = 0;
    if (!poll.isAsking) htmx.ajax("GET", element.getAttribute("hx-get"), { source: element });
  }
}

document.addEventListener("visibilitychange", askNow);
window.addEventListener("online", askNow);

// Who types on, or leaves the page, breaks off what was being asked. That is no failure, which htmx would report on the
// console: it ends like an answer that says nothing, and counts neither as one that came nor as one that did not.
document.addEventListener("htmx:beforeSend", (event) => {
  const xhr = event.detail.xhr;
  xhr.onabort = () => {
    event.detail.isBrokenOff = true;
    xhr.onload();
  };
});
document.addEventListener("htmx:beforeOnLoad", (event) => {
  if (event.detail.xhr.status === 0) event.preventDefault();
});

// A poll that fails tries again by itself; whatever else fails needs the person.
function show(event, failed) {
  const bar = document.getElementById(isPoll(asker(event)) ? "connection-lost" : "request-failed");
  if (bar) bar.hidden = !failed;
}

for (const name of ["htmx:sendError", "htmx:timeout", "htmx:responseError"]) {
  document.addEventListener(name, (event) => show(event, true));
}

// Counts change every second or two: they are said when something has changed, at most every ten seconds.
let saidAt = performance.now();
let sayLater = null;

function say() {
  clearTimeout(sayLater);
  const voice = document.querySelector("[data-says]");
  const words = voice && document.getElementById(voice.dataset.says)?.textContent.trim();
  if (!words || words === voice.dataset.last) return;
  if (voice.dataset.last === undefined) {
    // What stands on the page when it is opened is read with it.
    voice.dataset.last = words;
    return;
  }
  const waitMs = saidAt + SAY_EVERY_MS - performance.now();
  if (waitMs > 0) {
    sayLater = setTimeout(say, waitMs);
    return;
  }
  saidAt = performance.now();
  voice.dataset.last = words;
  voice.textContent = words;
}

document.addEventListener("htmx:afterSettle", say);
say();
