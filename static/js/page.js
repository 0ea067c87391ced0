// What does every page do by itself? Theme, dialogs, notes, buttons that must not be pressed twice.
"use strict";

// Theme: put on at once, then posted in the background; without JavaScript the form posts and the page reloads.
document.addEventListener("submit", (event) => {
  const form = event.target;
  const button = event.submitter;
  if (!form.matches("[data-theme-form]") || !button) return;
  event.preventDefault();
  document.documentElement.dataset.bsTheme = button.value;
  for (const other of form.querySelectorAll("button")) {
    other.setAttribute("aria-pressed", String(other === button));
  }
  document.dispatchEvent(new CustomEvent("vestnik:theme"));
  const body = new FormData(form, button);
  fetch(form.action, { method: "POST", body, redirect: "manual" }).catch(() => {
    const bar = document.getElementById("request-failed");
    if (bar) bar.hidden = false;
  });
});

// Dialogs that ask before something is done. `data-mirrors` keeps the numbers in them as fresh as the page.
function mirror(root) {
  for (const copy of root.querySelectorAll("[data-mirrors]")) {
    const source = document.getElementById(copy.dataset.mirrors);
    if (source) copy.textContent = source.textContent;
  }
}

// What the person is asked about is what stood there when they were asked, whatever the page says since.
function hold(dialog) {
  for (const copy of dialog.querySelectorAll("[data-holds]")) {
    const text = document.getElementById(copy.dataset.holds)?.textContent.trim() ?? "";
    if (copy.matches("input")) copy.value = text;
    else copy.textContent = text;
  }
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener) {
    const dialog = document.getElementById(opener.dataset.opens);
    mirror(dialog);
    hold(dialog);
    dialog.showModal();
  }
  if (event.target.closest("[data-closes]") || event.target.matches("dialog[data-confirm]")) {
    event.target.closest("dialog").close();
  }
  event.target.closest("[data-dismiss]")?.parentElement.remove();
});

document.addEventListener("htmx:afterSettle", () => mirror(document));

// The address of a filtered list says what it is filtered by, and nothing else.
document.addEventListener("htmx:configRequest", (event) => {
  const { elt, formData } = event.detail;
  if (!elt.matches("form.filters")) return;
  for (const [name, value] of [...formData]) if (value === "") formData.delete(name);
});

// Another page of a list: the link that was pressed is gone, so the keyboard goes on at the list's beginning.
document.addEventListener("htmx:afterSettle", (event) => {
  if (!event.detail.requestConfig?.elt.matches(".pager a")) return;
  const list = document.getElementById(event.detail.requestConfig.target?.id);
  if (!list) return;
  list.tabIndex = -1;
  list.focus({ preventScroll: true });
});

// A form leaves once. Coming back by the browser's "back" button frees it again.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || !form.matches("[data-once]")) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  // After this turn of the loop: a button disabled before would not send its own name and value.
  setTimeout(() => freeze(form, true));
});

window.addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    freeze(form, false);
  }
});

function freeze(form, frozen) {
  for (const button of form.querySelectorAll("button[type=submit]")) {
    button.setAttribute("aria-disabled", String(frozen));
  }
}

// After a refused form, start at the summary of what was wrong.
document.querySelector("[data-focus]")?.focus();

// On a phone the tabs are wider than the screen: the chosen one must not begin out of sight.
// Not by scrollIntoView: from there on the Tab key would go on, past all that stands before.
const chosenTab = document.querySelector(".tabs [aria-current]");
if (chosenTab) {
  const tabs = chosenTab.parentElement;
  tabs.scrollLeft += Math.max(0, chosenTab.getBoundingClientRect().right - tabs.getBoundingClientRect().right);
}
