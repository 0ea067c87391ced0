// What does the table of columns do by itself? It is wider than the screen: a choice that was refused must be in sight.
"use strict";

document.querySelector(".columns-table .is-invalid")?.scrollIntoView({ inline: "center", block: "nearest" });
