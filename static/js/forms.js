// What do forms do while one types? Count, narrow lists of chips, add rows, and remember what is not saved yet.
"use strict";

document.addEventListener("input", (event) => {
  const field = event.target;
  if (field.dataset?.counts) count(field);
  if (field.dataset?.narrows) narrow(field);
});

// Characters as people count them: an emoji is one, not two.
function count(field) {
  const box = document.getElementById(field.dataset.counts);
  const length = [...field.value.trim()].length;
  box.querySelector("[data-count-value]").textContent = String(length);
  box.classList.toggle("is-over", Number(box.dataset.longest) > 0 && length > Number(box.dataset.longest));
}

for (const field of document.querySelectorAll("[data-counts]")) count(field);

function narrow(field) {
  const sought = field.value.trim().toLocaleLowerCase();
  for (const chip of document.getElementById(field.dataset.narrows).children) {
    const chosen = chip.querySelector("input").checked;
    chip.hidden = !chosen && !chip.textContent.trim().toLocaleLowerCase().includes(sought);
  }
}

// Enter in the box narrows; it does not send the form.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.dataset?.narrows) event.preventDefault();
});

// "Everybody" leaves the conditions as they were chosen, but dims them: they do not count.
function dimConditions() {
  const everybody = document.getElementById("everybody");
  const conditions = document.querySelector("[data-narrowing]");
  if (everybody && conditions) conditions.classList.toggle("is-dimmed", everybody.checked);
}

document.addEventListener("change", (event) => {
  if (event.target.id === "everybody") dimConditions();
});
dimConditions();

// Rows of name and value. New ones take the next number, so that none is counted twice.
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-pair-add]")) addPair(event.target.closest("[data-pairs]"));
  const remove = event.target.closest("[data-pair-remove]");
  if (remove) {
    const box = remove.closest("[data-pairs]");
    remove.closest(".pair").remove();
    box.querySelector("[data-pair-add]").focus();
    box.dispatchEvent(new Event("input", { bubbles: true }));
  }
});

function addPair(box) {
  const template = box.querySelector("template");
  const numbers = [...box.querySelectorAll(".pair input")].map((input) => Number(input.name.split("-")[1]));
  const next = Math.max(-1, ...numbers) + 1;
  const row = template.content.firstElementChild.cloneNode(true);
  for (const input of row.querySelectorAll("input")) input.name = input.name.replace("N", String(next));
  template.before(row);
  row.querySelector("input").focus();
}

// Not saved yet: a word beside the button, and a question before the page is left.
let unsaved = false;

function setUnsaved(now) {
  unsaved = now;
  for (const hint of document.querySelectorAll("[data-unsaved-hint]")) hint.hidden = !now;
}

for (const name of ["input", "change"]) {
  document.addEventListener(name, (event) => {
    if (event.target.closest("[data-unsaved]") && !event.target.dataset?.narrows) setUnsaved(true);
  });
}
document.addEventListener("submit", (event) => {
  if (event.target.matches("[data-unsaved]")) setUnsaved(false);
});
// What the server has kept of it may be left without a question.
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.elt.matches("[data-keeps]") && event.detail.successful) setUnsaved(false);
});
// Once the form is on its way, a last keystroke must not be kept as if it had not been saved.
document.addEventListener("htmx:beforeRequest", (event) => {
  const form = document.querySelector("[data-unsaved]");
  if (event.detail.elt.matches("[data-keeps]") && form?.dataset.sent) event.preventDefault();
});
window.addEventListener("beforeunload", (event) => {
  if (unsaved) event.preventDefault();
});
