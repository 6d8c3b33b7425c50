// The threshold: a slider even in the logarithm of the share of pixels above it, a number, live counts.

const STOPS = 1000; // the last one is above every score

class Threshold {
  constructor(content, state) {
    this.state = state;
    this.tallies = Object.fromEntries(
      Object.entries(content.tallies).map(([name, carried]) => [name, new Tally(carried)]),
    );
  }

  scoreAt(stop) {
    const { all } = this.tallies;
    if (stop >= STOPS) {
      const beyond = Math.fround(all.highest + Math.max(Math.abs(all.highest) * 1e-6, 1e-30));
      return Number.isFinite(beyond) ? beyond : Infinity;
    }
    return all.ranked(Math.round(all.count ** (1 - stop / (STOPS - 1))));
  }

  stopAt(score) {
    const { all } = this.tallies;
    const [above] = all.above(score);
    if (above === 0) return STOPS;
    if (all.count < 2) return 0;
    return Math.round((STOPS - 1) * (1 - Math.log(above) / Math.log(all.count)));
  }

  // thresholds compare as the map's single precision numbers do
  set(score) {
    this.state.set("threshold", Math.fround(score));
  }

  counts(score) {
    const found = {};
    for (const [name, tally] of Object.entries(this.tallies)) {
      const [above, exact] = tally.above(score);
      found[name] = { above, exact, count: tally.count, share: tally.count ? above / tally.count : NaN };
    }
    return found;
  }
}

function thresholdPanel(content, state, threshold) {
  const range = element("input", { type: "range", id: "threshold", min: 0, max: STOPS, step: 1, "aria-describedby": "threshold-hint" });
  const number = element("input", { type: "number", id: "threshold-value", step: "any", inputmode: "decimal", "aria-label": "Threshold, score" });
  const reset = element("button", { type: "button", onclick: () => threshold.set(toNumber(content.threshold.value)) }, "Reset");
  const readouts = element("dl", { class: "readouts", id: "counts" });
  const hint = element("p", { class: "hint", id: "threshold-hint" }, content.threshold.explanation);
  const scale = element("div", { class: "scale", "aria-hidden": "true" }, ...shareTicks(threshold));

  range.addEventListener("input", () => threshold.set(threshold.scoreAt(Number(range.value))));
  number.addEventListener("input", () => {
    if (number.value !== "" && Number.isFinite(number.valueAsNumber)) threshold.set(number.valueAsNumber);
  });
  number.addEventListener("change", () => {
    number.value = typed(state.get("threshold"));
  });

  state.on("threshold", (score) => {
    const counts = threshold.counts(score);
    if (document.activeElement !== number) number.value = typed(score);
    if (document.activeElement !== range) range.value = threshold.stopAt(score);
    readouts.replaceChildren(...readings(counts).map(([name, value, detail]) =>
      element("div", {}, element("dt", {}, name), element("dd", {}, element("strong", {}, value), " ", element("small", {}, detail)))));
    const words = spoken(counts);
    range.setAttribute("aria-valuetext", `score ${figures(score)}: ${words}`);
    announce(`Threshold ${figures(score)}: ${words}`);
  });

  return panel("threshold-panel", "Threshold",
    element("div", { class: "threshold" },
      element("label", { for: "threshold" }, "Share of pixels at or above"), range, scale,
      element("div", { class: "number" }, element("label", { for: "threshold-value" }, "Score ≥"), number, reset)),
    readouts, hint);
}

// the shortest number that is the same threshold in single precision
function typed(score) {
  if (!Number.isFinite(score)) return "";
  const digits = [6, 7, 8].find((count) => Math.fround(Number(score.toPrecision(count))) === score) ?? 9;
  return String(Number(score.toPrecision(digits)));
}

function shareTicks({ tallies }) {
  const decades = Math.log10(Math.max(2, tallies.all.count));
  const found = [];
  for (let power = 0; power <= decades * 0.9; power += decades > 4.6 ? 2 : 1) {
    const tick = element("span", {}, `${(100 * 10 ** -power).toFixed(Math.max(0, power - 2))}\u00a0%`);
    tick.style.left = `${(100 * power * (STOPS - 1)) / decades / STOPS}%`;
    found.push(tick);
  }
  const none = element("span", {}, "none");
  none.style.left = "100%";
  return [...found, none];
}

function readings({ all, anomalous, background }) {
  const about = ({ above, exact }) => `${exact ? "" : "≈ "}${integer(above)}`;
  const rows = [["Flagged", about(all), `of ${integer(all.count)} pixels, ${percent(all.share)}`]];
  if (anomalous) {
    rows.push([element("span", {}, "Detected, ", symbol("P_D")), rate(anomalous.share), `${about(anomalous)} of ${integer(anomalous.count)}`]);
    rows.push([element("span", {}, "False alarms, ", symbol("P_F")), rate(background.share), `${about(background)} of ${integer(background.count)}`]);
  }
  return rows;
}

function spoken({ all, anomalous, background }) {
  const judged = anomalous ? `, P D ${rate(anomalous.share)}, P F ${rate(background.share)}` : "";
  return `${integer(all.above)} of ${integer(all.count)} pixels flagged, ${percent(all.share)}${judged}`;
}
