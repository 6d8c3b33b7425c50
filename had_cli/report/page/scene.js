// The page of one scene and its score map.

function scenePage(content) {
  const [head, notes, body] = sceneParts(content);
  document.getElementById("page").append(head, ...notes, element("main", { id: "content" }, ...body), footer(content));
}

// -> header, notices and panels, drawn when they are put into the page
function sceneParts(content, title = "h1") {
  const state = new State();
  const threshold = new Threshold(content, state);
  const [mapSection, map] = mapPanel(content, state);
  threshold.set(toNumber(content.threshold.value));
  const body = [
    element("div", { class: "columns" },
      element("div", { class: "column" }, mapSection, distributionPanel(content, state, threshold)),
      element("div", { class: "column" }, thresholdPanel(content, state, threshold), spectrumPanel(content, state))),
    content.roc ? rocPanel(content, state, threshold) : null,
    placesPanel(content, state, map),
    ...content.panels.map(pluginPanel),
    provenancePanel(content.provenance)].filter(Boolean);
  const [row, col] = content.start;
  map.select(row, col);
  return [header(content, title), notices(content), body];
}
