// The page of a bench: scenes by configurations of methods.

const COLOURS = 8;
const DASHES = 3;

function benchPage(content) {
  document.getElementById("page").append(header(content), ...notices(content), element("main", { id: "content" },
    element("div", { class: "pair even" }, figuresPanel(content), meansPanel(content)),
    curvesPanel(content),
    provenancePanel(content.provenance)), footer(content));
}

// told apart by colour and by dashes
function series(index) {
  return `series-${(index % COLOURS) + 1} dash-${index % DASHES}`;
}

function curvesPanel({ scenes, labels, curves, separability }) {
  const place = element("div");
  const choose = element("select", { id: "scene", onchange: () => show() },
    ...scenes.map((scene) => element("option", { value: scene }, scene)));
  const show = () => {
    const scene = choose.value;
    const known = labels.map((label, i) => ({ label, i })).filter(({ label }) => curves[scene]?.[label]);
    if (!known.length) {
      place.replaceChildren(element("p", {}, "Every configuration has failed on this scene."));
      return;
    }
    const lines = known.map(({ label, i }) => ({ ...finite(curves[scene][label]), kind: series(i), name: label }));
    const charts = rocCharts(lines, leastOf(lines));
    place.replaceChildren(
      key(known.map(({ label, i }) => [series(i), label])),
      element("div", { class: "pair" }, ...charts.map((chart) => chart.host)),
      element("h3", {}, "Separability: scores scaled to 0 to 1, box 10 to 90 %, whiskers at the extremes"),
      key([["box background", "background"], ["box anomalous", "anomalous"]]),
      boxes(known.map(({ label }) => [label, separability[scene][label]])).host);
  };
  show();
  return panel("curves", "Detection against false alarms", element("label", { class: "chooser" }, "Scene ", choose), place);
}

// points that are undefined, of a truth of one class, are not drawn
function finite({ p_f, p_d }) {
  const kept = p_f.map((_, i) => i).filter((i) => p_f[i] !== null && p_d[i] !== null);
  return { p_f: kept.map((i) => p_f[i]), p_d: kept.map((i) => p_d[i]) };
}

function leastOf(lines) {
  const positive = lines.flatMap(({ p_f }) => p_f.filter((value) => value > 0));
  return decadeBelow(positive.length ? Math.min(...positive) : 1e-3);
}

const BOX_ROW = 58;

function boxes(entries) {
  const chart = new Chart({
    height: entries.length * BOX_ROW + MARGIN.top + MARGIN.bottom,
    label: `Separability: ${entries.map(([label, found]) => `${label}: ${boxText(found)}`).join("; ")}`,
    paint: () => entries.forEach(([label, found], i) => {
      chart.text(0, i + 0.22, label);
      ["background", "anomalous"].forEach((name, k) => box(chart, found[name], i + 0.45 + 0.3 * k, name));
    }),
  });
  chart.axes({ from: 0, to: 1, label: "scaled score" }, { from: entries.length, to: 0, label: "", bare: true });
  return chart;
}

function box(chart, { minimum, p10, median, p90, maximum }, at, kind) {
  if (median === null) return;
  const half = 0.11;
  chart.line([[[minimum, at], [maximum, at]]], `whisker ${kind}`);
  chart.area([[[p10, at - half, at + half], [p90, at - half, at + half]]], `box ${kind}`);
  chart.line([[[median, at - half], [median, at + half]]], "median");
}

function boxText({ anomalous, background }) {
  const text = ({ p10, median, p90 }) => (median === null ? "undefined" : [p10, median, p90].map((v) => figures(v, 2)).join(", "));
  return `background 10, 50, 90 %: ${text(background)}; anomalous: ${text(anomalous)}`;
}
