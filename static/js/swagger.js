// Where requests are tried out: Swagger UI over our own description. Nothing is asked of other machines.

addEventListener("DOMContentLoaded", () => {
  const place = document.getElementById("description");
  window.SwaggerUIBundle({
    url: place.dataset.address,
    domNode: place,
    deepLinking: true,
    docExpansion: "list",
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    // Else a badge would show the description to a service on the internet.
    validatorUrl: null,
  });
});
