// How does a text get from the page to where it is needed? `data-copies` names the field it stands in.
"use strict";

for (const button of document.querySelectorAll("[data-copies]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const field = document.getElementById(button.dataset.copies);
    const word = button.querySelector("[data-word-copied]");
    field.select();
    try {
      await navigator.clipboard.writeText(field.value);
      word.textContent = word.dataset.wordCopied;
    } catch {
      // Without HTTPS browsers give no clipboard; the text is selected.
      word.textContent = word.dataset.wordSelected;
    }
  });
}
