// How are rows of a list ticked? A box for the whole page, and buttons that need at least one.
"use strict";

(() => {
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-ticks]");
    if (!form) return;
    if (event.target.matches("[data-tick-all]")) {
      for (const box of boxesOf(form)) box.checked = event.target.checked;
    }
    show(form);
  });

  function boxesOf(form) {
    return [...form.querySelectorAll("tbody input[type=checkbox]")];
  }

  function show(form) {
    const boxes = boxesOf(form);
    const ticked = boxes.filter((box) => box.checked).length;
    form.querySelector("[data-ticked]").textContent = String(ticked);
    const all = form.querySelector("[data-tick-all]");
    all.checked = ticked === boxes.length;
    all.indeterminate = ticked > 0 && ticked < boxes.length;
    for (const button of form.querySelectorAll("[data-needs-ticks]")) button.disabled = ticked === 0;
  }

  // After another part of the list has come; and a browser that goes back may have kept the ticks.
  function showAll() {
    for (const form of document.querySelectorAll("form[data-ticks]")) if (form.querySelector("[data-tick-all]")) show(form);
  }

  document.addEventListener("htmx:afterSettle", showAll);
  window.addEventListener("pageshow", showAll);
  showAll();
})();
