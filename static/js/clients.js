// How are clients ticked? All of a page at once, and the number of them is said.
"use strict";

(() => {
  const ticksOf = (form) => [...form.querySelectorAll("[data-tick]")];

  function tell(form) {
    const ticks = ticksOf(form);
    const ticked = ticks.filter((tick) => tick.checked).length;
    const all = form.querySelector("[data-tick-all]");
    all.checked = ticked > 0 && ticked === ticks.length;
    all.indeterminate = ticked > 0 && ticked < ticks.length;
    const count = form.querySelector("[data-tick-count]");
    count.textContent = ticked ? count.dataset.word.replace("{n}", String(ticked)) : "";
    if (ticked) form.elements.scope.value = "ticked";
  }

  document.addEventListener("change", (event) => {
    const form = event.target.closest("[data-ticks]");
    if (!form) return;
    if (event.target.matches("[data-tick-all]")) {
      for (const tick of ticksOf(form)) tick.checked = event.target.checked;
    }
    if (event.target.matches("[data-tick], [data-tick-all]")) tell(form);
  });

  // The browser's "back" brings the ticks again, but not what they were said to be.
  window.addEventListener("pageshow", () => {
    const form = document.querySelector("[data-ticks]");
    if (form?.querySelector("[data-tick]:checked")) tell(form);
  });
})();
