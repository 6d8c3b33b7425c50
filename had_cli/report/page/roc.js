// ROC curves, on a linear and on a logarithmic axis of false alarms.

const FALSE_ALARMS = "false alarm rate P_F";
const DETECTIONS = "detection rate P_D";

// curves: [{ p_f, p_d, kind, name }]; marked() -> the operating point { p_f, p_d } or null
function rocCharts(curves, least, marked = () => null) {
  const shown = curves.map(({ p_f, p_d, kind }) => [p_f.map((x, i) => [x, p_d[i]]), kind]);
  const make = (log) => {
    const chart = new Chart({
      height: 260,
      label: `ROC curve, ${log ? "logarithmic" : "linear"} false alarm rate: ${curves.map(({ name }) => name).join(", ")}`,
      paint: () => {
        if (!log) chart.line([[[0, 0], [1, 1]]], "chance");
        for (const [points, kind] of shown) chart.line([points], kind);
        const at = marked();
        if (at) chart.point(at.p_f, at.p_d, "at");
      },
    });
    chart.axes({ from: log ? least : 0, to: 1, log, label: FALSE_ALARMS }, { from: 0, to: 1, label: DETECTIONS });
    return chart;
  };
  return [make(true), make(false)];
}

function decadeBelow(share) {
  return 10 ** Math.floor(Math.log10(share) + 1e-9);
}

function rocPanel(content, state, threshold) {
  const { roc, measures } = content;
  const { anomalous, background } = threshold.tallies;
  const at = () => {
    const score = state.get("threshold");
    return { p_f: background.above(score)[0] / background.count, p_d: anomalous.above(score)[0] / anomalous.count };
  };
  const curve = { ...roc, kind: "anomalous", name: `AUC ${roc.auc}` };
  const charts = rocCharts([curve], decadeBelow(1 / background.count), at);
  state.on("threshold", () => charts.forEach((chart) => chart.draw()));
  const rows = measures.map(({ symbol: name, value, best, formula }) =>
    element("tr", {}, element("th", { scope: "row" }, name), element("td", { class: "number" }, value),
      element("td", { class: "number" }, best), element("td", {}, formula)));
  const table = element("table", {},
    element("thead", {}, element("tr", {}, ...["Measure", "Value", "Best", "Definition"].map((text, i) =>
      element("th", { scope: "col", class: i === 1 || i === 2 ? "number" : null }, text)))),
    element("tbody", {}, ...rows));
  return panel("roc", "Detection against false alarms",
    key([["anomalous", `ROC, AUC(D,F) ${roc.auc}`], ["at", "threshold"]]),
    element("div", { class: "pair" }, ...charts.map((chart) => chart.host)),
    element("details", {}, element("summary", {}, "All measures"), scrolling("Measures", table),
      ...content.measureNotes.map((text) => element("p", { class: "hint" }, text))));
}
