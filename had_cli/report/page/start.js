// Everything is in place: draw the page that the document carries.

const content = JSON.parse(document.getElementById("carried").textContent);
({ scene: scenePage, bench: benchPage, index: indexPage })[content.kind](content);
document.documentElement.dataset.ready = "";
