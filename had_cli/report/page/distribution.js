// What share of the pixels scores at or above each score, and where the threshold stands.

const CURVE_POINTS = 240;

function distributionPanel(content, state, threshold) {
  const { all, anomalous, background } = threshold.tallies;
  const lines = anomalous ? [[background, "background"], [anomalous, "anomalous"]] : [[all, "background"]];
  const curves = lines.filter(([tally]) => tally.count).map(([tally, kind]) => [survival(tally), kind]);
  const scores = curves.flatMap(([points]) => points.map(([score]) => score));
  const [low, high] = [Math.min(...scores), Math.max(...scores)];
  const log = low > 0 && high / low > 30;
  const chart = new Chart({
    height: 230,
    label: "Share of pixels at or above each score",
    paint: () => {
      for (const [points, kind] of curves) chart.line([points], kind);
      chart.upright(state.get("threshold"), "at");
    },
  });
  const least = 1 / Math.max(...curves.map(([, ], i) => lines[i][0].count), 2);
  chart.axes({ from: low, to: high, log, label: "score" }, { from: least / 2, to: 1, log: true, label: "share" });
  state.on("threshold", () => chart.draw());
  const names = anomalous ? [["background", "background"], ["anomalous", "anomalous (truth)"]] : [["background", "all pixels"]];
  return panel("distribution", "Scores", key([...names, ["at", "threshold"]]), chart.host);
}

// [score, share at or above] by falling score, at places even in their logarithm
function survival(tally) {
  const points = [];
  let last = 0;
  for (let i = 0; i < CURVE_POINTS; i += 1) {
    const place = Math.round(tally.count ** (i / (CURVE_POINTS - 1)));
    const score = tally.ranked(place);
    if (place > last && Number.isFinite(score)) points.push([score, place / tally.count]);
    last = place;
  }
  return points;
}

function key(entries) {
  return element("ul", { class: "chart-key" }, ...entries.map(([kind, text]) =>
    element("li", {}, element("span", { class: `swatch ${kind}`, "aria-hidden": "true" }), text)));
}
