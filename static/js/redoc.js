// Where one reads: ReDoc over our own description.

addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("description");
  window.Redoc.init(place.dataset.address, { expandResponses: "200,201", hideDownloadButton: false }, place);
});
