// The page of one scene and its score map.

function scenePage(content) {
  const state = new State();
  const threshold = new Threshold(content, state);
  const [mapSection, map] = mapPanel(content, state);
  const page = document.getElementById("page");
  threshold.set(toNumber(content.threshold.value));
  page.append(header(content), ...notices(content), element("main", { id: "content" },
    element("div", { class: "columns" },
      element("div", { class: "column" }, mapSection, distributionPanel(content, state, threshold)),
      element("div", { class: "column" }, thresholdPanel(content, state, threshold), spectrumPanel(content, state))),
    content.roc ? rocPanel(content, state, threshold) : null,
    placesPanel(content, state, map),
    ...content.panels.map(pluginPanel),
    provenancePanel(content.provenance)), footer(content));
  const [row, col] = content.start;
  map.select(row, col);
}
