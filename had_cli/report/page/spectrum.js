// The spectrum of the chosen pixel against the background's mean and spread.

class Spectra {
  constructor({ spectra, background }) {
    Object.assign(this, { rows: spectra.rows, cols: spectra.cols, step: spectra.step });
    this.codes = unpacked(spectra.values);
    ({ low: this.low, step: this.stride } = spectra.values);
    this.bands = background.mean.length;
    this.peaks = spectra.peaks ? unpacked(spectra.peaks) : null;
  }

  // -> index of the spectrum that stands for a pixel
  cell(row, col) {
    return Math.floor(row / this.step) * this.cols + Math.floor(col / this.step);
  }

  values(cell) {
    const values = new Float64Array(this.bands);
    for (let band = 0; band < this.bands; band += 1) {
      const code = this.codes[cell * this.bands + band];
      values[band] = code === 65535 ? NaN : this.low[band] + code * this.stride[band];
    }
    return values;
  }
}

function spectrumPanel(content, state) {
  const { axis, map, pixels } = content;
  const background = { ...content.background };
  for (const name of ["mean", "deviation", "low", "high"]) background[name] = background[name].map(toNumber);
  const spectra = new Spectra(content);
  const score = unpacked(map.score);
  const truth = map.truth ? unpackedBits(map.truth) : null;
  const facts = element("dl", { class: "readouts pixel", id: "pixel" });
  const words = element("p", { class: "hint", id: "departures" });
  let values = null;
  let standardised = false;

  const chart = new Chart({ height: 270, label: "Spectrum", paint: () => {
    const view = seen(background, values, standardised);
    chart.area(pieces(axis, view.low, view.high), "spread-wide");
    chart.area(pieces(axis, view.below, view.above), "spread");
    chart.line(pieces(axis, view.mean), "background");
    if (values) chart.line(pieces(axis, view.pixel), "pixel");
  } });
  const redraw = () => {
    const view = seen(background, values, standardised);
    const [from, to] = span(view.low, view.high, view.pixel ?? []);
    const [first, last] = [Math.min(...axis.centres), Math.max(...axis.centres)];
    chart.axes({ from: first, to: last, label: axis.label }, { from, to, label: standardised ? "standard deviations" : axis.value });
    chart.draw();
  };
  const view = element("fieldset", { class: "choice" }, element("legend", { class: "unseen" }, "Scale"),
    ...[["Values", false], ["Standard deviations", true]].map(([text, value]) =>
      element("label", {}, element("input", { type: "radio", name: "scale", value: text, checked: !value, onchange: () => {
        standardised = value;
        redraw();
      } }), text)));

  state.on("cell", ([row, col]) => {
    const index = row * map.cols + col;
    // the pixel that a cell stands for lies anywhere in it
    const cell = spectra.cell(row * map.step, col * map.step);
    const found = spectra.values(cell);
    values = found.some(Number.isFinite) ? found : null;
    const at = placeOf(row, col, map);
    const departures = values ? strongest(values, background, axis) : "";
    words.textContent = values
      ? `Strongest departures from the background: ${departures || "undefined"}.`
      : "This pixel holds no valid data.";
    const lines = [["Pixel", at], ["Score", Number.isNaN(score[index]) ? "none" : figures(score[index], 5)]];
    if (truth) lines.push(["Truth", truth[index] ? "anomalous" : "background"]);
    if (pixels.transform) lines.push([pixels.crs, onGround(row, col, map, pixels.transform)]);
    if (spectra.peaks && values) {
      const peak = spectra.peaks[cell];
      lines.push(["Spectrum of", `row ${Math.floor(peak / pixels.cols)}, column ${peak % pixels.cols}, the highest score of ${spectra.step} × ${spectra.step} pixels`]);
    }
    facts.replaceChildren(...lines.map(([name, text]) => element("div", {}, element("dt", {}, name), element("dd", {}, text))));
    const spoken = `Pixel ${at}, score ${lines[1][1]}. ${words.textContent}`;
    chart.describe(`Spectrum against the background. ${spoken}`);
    announce(spoken);
    redraw();
  });

  const names = [["pixel", "pixel"], ["background", "background mean"], ["spread", "± 1 standard deviation"], ["spread-wide", "5 to 95 %"]];
  return panel("spectrum", "Spectrum", view, facts, key(names), chart.host, words,
    element("p", { class: "hint" }, background.explanation));
}

// what is drawn: as measured, or in the background's standard deviations from its mean
function seen({ mean, deviation, low, high }, pixel, standardised) {
  const scaled = (values) => (standardised ? Array.from(values, (v, i) => (deviation[i] > 0 ? (v - mean[i]) / deviation[i] : NaN)) : values);
  return {
    mean: scaled(mean),
    low: scaled(low),
    high: scaled(high),
    below: scaled(mean.map((m, i) => m - deviation[i])),
    above: scaled(mean.map((m, i) => m + deviation[i])),
    pixel: pixel && scaled(pixel),
  };
}

// points by stretches of neighbouring bands: no line runs across bands that were left out
function pieces({ centres, stretches }, ...columns) {
  const found = [];
  for (const [start, stop] of stretches) {
    let piece = [];
    for (let i = start; i < stop; i += 1) {
      const point = columns.map((column) => column[i]);
      if (point.every(Number.isFinite)) piece.push([centres[i], ...point]);
      else if (piece.length) piece = push(found, piece);
    }
    push(found, piece);
  }
  return found;
}

function push(found, piece) {
  if (piece.length === 1) piece.push(piece[0]); // a single band is a dot
  if (piece.length) found.push(piece);
  return [];
}

// the three bands that differ most, apart from each other
function strongest(values, { mean, deviation }, { centres, unit }) {
  const apart = Math.max(1, Math.round(values.length / 25));
  const ranked = Array.from(values, (value, i) => ({ i, z: (value - mean[i]) / deviation[i] }))
    .filter(({ z }) => Number.isFinite(z))
    .sort((a, b) => Math.abs(b.z) - Math.abs(a.z));
  const chosen = [];
  for (const one of ranked) {
    if (chosen.length < 3 && chosen.every(({ i }) => Math.abs(i - one.i) >= apart)) chosen.push(one);
  }
  const name = (i) => (unit === "nm" ? `${figures(centres[i], 4)} nm` : `band ${centres[i]}`);
  return chosen.map(({ i, z }) => `${name(i)} (${z > 0 ? "+" : ""}${signed(z.toFixed(1))} sd)`).join(", ");
}

function placeOf(row, col, { step, pixelRows, pixelCols }) {
  if (step === 1) return `row ${row}, column ${col}`;
  const range = (at, length) => `${at * step}–${Math.min((at + 1) * step, length) - 1}`;
  return `rows ${range(row, pixelRows)}, columns ${range(col, pixelCols)}`;
}

// the middle of the cell in the coordinates of the map
function onGround(row, col, { step, pixelRows, pixelCols }, [a, b, c, d, e, f]) {
  const x = (col * step + Math.min((col + 1) * step, pixelCols)) / 2;
  const y = (row * step + Math.min((row + 1) * step, pixelRows)) / 2;
  return `${figures(a * x + b * y + c, 9)}, ${figures(d * x + e * y + f, 9)}`;
}
