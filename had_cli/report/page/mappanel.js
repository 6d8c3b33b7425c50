// The map with what controls it: opacity, layers, zoom, the colour bar.

function mapPanel(content, state) {
  const map = new SceneMap(content, state);
  const button = (text, label, act) => element("button", { type: "button", "aria-label": label, title: label, onclick: act }, text);
  const tools = element("div", { class: "tools" },
    element("label", { class: "opacity" }, "Score opacity",
      slider("opacity", 50, 100, (value) => `${value} %`, (value) => {
        map.shade.style.opacity = value / 100;
      })),
    element("fieldset", { class: "layers" },
      element("legend", { class: "unseen" }, "Layers"),
      layer("Mask", "mask", true, map.mask),
      content.map.truth ? layer("Truth", "truth", true, map.outlines.querySelector("#truth")) : null,
      content.places.rows.length ? layer("Places", "place", false, map.outlines.querySelector("#places-marks")) : null),
    element("div", { class: "zoom", role: "group", "aria-label": "Zoom" },
      button("−", "Zoom out", () => map.zoomBy(1 / ZOOM)),
      button("+", "Zoom in", () => map.zoomBy(ZOOM)),
      button("Fit", "Show the whole scene", () => map.zoomBy(0))));
  const keys = element("p", { class: "hint", id: "map-keys" },
    "Click a pixel, or move with the arrow keys (Shift: by ten); + − 0 zoom",
    content.places.rows.length ? ", N and P go to the next and previous place." : ".");
  const section = panel("map-panel", "Map", tools, map.frame, element("div", { class: "below" }, colourBar(content.map), keys));
  return [section, map];
}

function slider(id, value, max, text, act) {
  const output = element("output", { for: id });
  const input = element("input", { type: "range", id, min: 0, max, value });
  const show = () => {
    output.textContent = text(Number(input.value));
    act(Number(input.value));
  };
  input.addEventListener("input", show);
  show();
  const both = document.createDocumentFragment();
  both.append(input, output);
  return both;
}

function layer(text, kind, shown, target) {
  const show = (on) => (target instanceof SVGElement ? target.setAttribute("visibility", on ? "visible" : "hidden") : target.classList.toggle("hidden", !on));
  show(shown);
  const box = element("input", { type: "checkbox", id: `show-${kind}`, checked: shown, onchange: () => show(box.checked) });
  return element("label", {}, box, element("span", { class: `key ${kind}`, "aria-hidden": "true" }), text);
}

function colourBar({ range, colours }) {
  const canvas = element("canvas", { width: STEPS, height: 1, class: "ramp", "aria-hidden": "true" });
  const context = canvas.getContext("2d");
  const image = context.createImageData(STEPS, 1);
  const table = ramp();
  for (let i = 0; i < STEPS; i += 1) image.data.set([...table.subarray(3 * i, 3 * i + 3), 255], 4 * i);
  context.putImageData(image, 0, 0);
  return element("div", { class: "legend" },
    element("div", { class: "bar" }, element("span", {}, `score ≤ ${figures(range[0])}`), canvas, element("span", {}, `≥ ${figures(range[1])}`)),
    element("span", { class: "colours" }, `Colours: ${colours}`));
}
