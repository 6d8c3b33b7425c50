// A chart with two axes, drawn anew at the width it has, so that its text keeps the size of the page's.

const MARGIN = { top: 10, right: 14, bottom: 42, left: 58 };

class Chart {
  // x, y: { from, to, log, label }; paint(chart) draws what stands on the axes
  constructor({ height, label, paint }) {
    this.height = height;
    this.paint = paint;
    this.svg = drawing("svg", { class: "chart", role: "img", "aria-label": label, height });
    this.host = element("div", { class: "chart-host" }, this.svg);
    new ResizeObserver(() => this.draw()).observe(this.host);
  }

  describe(label) {
    this.svg.setAttribute("aria-label", label);
  }

  axes(x, y) {
    this.x = x;
    this.y = y;
  }

  draw() {
    const width = Math.floor(this.host.clientWidth);
    if (width < 60 || !this.x) return;
    this.width = width;
    this.svg.setAttribute("width", width);
    this.svg.replaceChildren();
    this.grid();
    this.paint(this);
  }

  across(value) {
    return MARGIN.left + part(this.x, value) * (this.width - MARGIN.left - MARGIN.right);
  }

  up(value) {
    return this.height - MARGIN.bottom - part(this.y, value) * (this.height - MARGIN.top - MARGIN.bottom);
  }

  grid() {
    const { width, height, svg } = this;
    const [left, right, top, bottom] = [MARGIN.left, width - MARGIN.right, MARGIN.top, height - MARGIN.bottom];
    for (const value of ticks(this.x, Math.max(3, Math.floor((right - left) / 80)))) {
      const at = this.across(value);
      svg.append(drawing("line", { class: "gridline", x1: at, x2: at, y1: top, y2: bottom }));
      svg.append(drawing("text", { x: at, y: bottom + 16, "text-anchor": "middle" }, tickText(this.x, value)));
    }
    for (const value of ticks(this.y, Math.max(3, Math.floor((bottom - top) / 44)))) {
      const at = this.up(value);
      svg.append(drawing("line", { class: "gridline", x1: left, x2: right, y1: at, y2: at }));
      svg.append(drawing("text", { x: left - 7, y: at + 4, "text-anchor": "end" }, tickText(this.y, value)));
    }
    svg.append(drawing("path", { class: "axis", d: `M${left} ${top}V${bottom}H${right}` }));
    const middle = (left + right) / 2;
    svg.append(drawing("text", { class: "axis-label", x: middle, y: height - 6, "text-anchor": "middle" }, ...lowered(this.x.label)));
    const turned = `translate(13 ${(top + bottom) / 2}) rotate(-90)`;
    svg.append(drawing("text", { class: "axis-label", transform: turned, "text-anchor": "middle" }, ...lowered(this.y.label)));
  }

  // pieces: lists of [x, y]
  line(pieces, kind) {
    const path = pieces.map((points) => this.path(points)).join("");
    this.svg.append(drawing("path", { class: `line ${kind}`, d: path }));
  }

  // pieces: lists of [x, low, high]
  area(pieces, kind) {
    const outline = (points) => {
      const high = points.map(([x, , top]) => [x, top]);
      const low = points.map(([x, bottom]) => [x, bottom]).reverse();
      return `${this.path([...high, ...low])}Z`;
    };
    this.svg.append(drawing("path", { class: `area ${kind}`, d: pieces.map(outline).join("") }));
  }

  path(points) {
    return points.map(([x, y], i) => `${i ? "L" : "M"}${round(this.across(x))} ${round(this.up(y))}`).join("");
  }

  text(x, y, words) {
    this.svg.append(drawing("text", { class: "label", x: this.across(x) + 4, y: this.up(y) }, words));
  }

  upright(value, kind) {
    const at = round(this.across(value));
    const [y1, y2] = [MARGIN.top, this.height - MARGIN.bottom];
    this.svg.append(drawing("line", { class: `line ${kind}`, x1: at, x2: at, y1, y2 }));
  }

  point(x, y, kind) {
    this.svg.append(drawing("circle", { class: `point ${kind}`, cx: this.across(x), cy: this.up(y), r: 5 }));
  }
}

// "P_F" with a lowered F
function lowered(text) {
  return text.split(/_(\w)/).map((piece, i) => (i % 2 ? drawing("tspan", { class: "lowered", dy: 3 }, piece) : i ? drawing("tspan", { dy: -3 }, piece) : piece));
}

function part({ from, to, log }, value) {
  const [low, high, at] = log ? [from, to, value].map((v) => Math.log10(Math.max(v, from))) : [from, to, value];
  return high !== low ? Math.min(1, Math.max(0, (at - low) / (high - low))) : 0.5;
}

function ticks({ from, to, log, bare }, wanted) {
  if (bare) return [];
  const found = [];
  if (log && to / from >= 10) {
    const [low, high] = [Math.ceil(Math.log10(from) - 1e-9), Math.floor(Math.log10(to) + 1e-9)];
    const step = Math.max(1, Math.ceil((high - low) / wanted));
    for (let power = high; power >= low; power -= step) found.push(10 ** power);
    if (high - low >= 2) return found;
    const finer = [];
    for (let power = low - 1; power <= high; power += 1) {
      for (const factor of [1, 2, 5]) finer.push(factor * 10 ** power);
    }
    return finer.filter((value) => value >= from && value <= to);
  }
  if (!(to > from)) return [from];
  const raw = (to - from) / wanted;
  const unit = 10 ** Math.floor(Math.log10(raw));
  const step = unit * ([1, 2, 5].find((factor) => factor * unit >= raw) ?? 10);
  for (let i = Math.ceil(from / step - 1e-9); i * step <= to + 1e-9 * step; i += 1) found.push(i * step);
  return found;
}

function tickText({ log }, value) {
  if (log && value > 0 && (value >= 1e4 || value < 0.01)) {
    const power = Math.log10(value);
    if (Math.abs(power - Math.round(power)) < 1e-9) return `10${raised(Math.round(power))}`;
  }
  return figures(Math.abs(value) < 1e-12 ? 0 : value, 4);
}

function round(value) {
  return Math.round(value * 10) / 10;
}

// the smallest and the largest finite value of lists of numbers, with some air
function span(...lists) {
  let [low, high] = [Infinity, -Infinity];
  for (const list of lists) {
    for (const value of list) {
      if (Number.isFinite(value)) {
        if (value < low) low = value;
        if (value > high) high = value;
      }
    }
  }
  if (low > high) return [0, 1];
  const air = (high - low || Math.abs(high) || 1) * 0.04;
  return [low - air, high + air];
}
