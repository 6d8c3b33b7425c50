// The map: colour composite, score, mask, truth, places and cursor, one over the other.

const MASK = [0, 222, 255];
const ZOOM = 1.5;
const LARGEST = 40; // screen pixels per cell

class SceneMap {
  constructor(content, state) {
    const { map } = content;
    Object.assign(this, { content, state, map, rows: map.rows, cols: map.cols, zoom: 1, cursor: [0, 0] });
    this.score = unpacked(map.score);
    this.composite = element("canvas", { width: map.cols, height: map.rows, id: "composite" });
    this.shade = element("canvas", { width: map.cols, height: map.rows, id: "score" });
    this.mask = element("canvas", { width: map.cols, height: map.rows, id: "mask" });
    this.outlines = drawing("svg", { viewBox: `0 0 ${map.cols} ${map.rows}`, preserveAspectRatio: "none", "aria-hidden": "true" });
    this.sheet = element("div", { class: "sheet" }, this.composite, this.shade, this.mask, this.outlines);
    this.frame = element("div", {
      id: "map", class: "frame", tabindex: 0, role: "application",
      "aria-label": "Map of the scene", "aria-describedby": "map-keys",
      onkeydown: (event) => this.key(event),
    }, this.sheet);
    this.paintComposite();
    this.paintScore();
    this.drawOutlines();
    this.listenToPointer();
    state.on("threshold", () => this.repaintMask());
    state.on("cell", ([row, col]) => this.showCursor(row, col));
    new ResizeObserver(() => this.resize()).observe(this.frame);
  }

  // -- layers -------------------------------------------------------------------------------------
  paintComposite() {
    const picture = new Image();
    picture.addEventListener("load", () => this.composite.getContext("2d").drawImage(picture, 0, 0));
    picture.src = this.map.composite;
  }

  paintScore() {
    const context = this.shade.getContext("2d");
    const image = context.createImageData(this.cols, this.rows);
    const colours = ramp();
    const [low, high] = this.map.range;
    const scale = high > low ? (STEPS - 1) / (high - low) : 0;
    for (let i = 0; i < this.score.length; i += 1) {
      const value = this.score[i];
      if (Number.isNaN(value)) continue; // stays transparent
      const step = Math.min(STEPS - 1, Math.max(0, Math.round((value - low) * scale)));
      image.data.set(colours.subarray(3 * step, 3 * step + 3), 4 * i);
      image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  }

  repaintMask() {
    if (this.waiting) return; // one redraw per frame, however fast the slider moves
    this.waiting = requestAnimationFrame(() => {
      this.waiting = null;
      const threshold = this.state.get("threshold");
      const context = this.mask.getContext("2d");
      const image = context.createImageData(this.cols, this.rows);
      for (let i = 0; i < this.score.length; i += 1) {
        if (this.score[i] >= threshold) image.data.set([...MASK, 255], 4 * i);
      }
      context.putImageData(image, 0, 0);
    });
  }

  drawOutlines() {
    const { truth } = this.map;
    if (truth) {
      const path = edges(unpackedBits(truth), this.rows, this.cols);
      this.outlines.append(drawing("g", { id: "truth" }, ...cased(path, "truth")));
    }
    const { step } = this.map;
    this.placeMarks = this.content.places.rows.map(({ row, col, pixels }) => {
      const half = Math.sqrt(pixels) / step / 2 + 2;
      return square((row + 0.5) / step, (col + 0.5) / step, half);
    });
    this.outlines.append(drawing("g", { id: "places-marks", visibility: "hidden" }, ...cased(this.placeMarks.join(""), "place")));
    this.chosenMark = drawing("g", { id: "chosen-mark" });
    this.cursorMark = drawing("g", { id: "cursor" });
    this.outlines.append(this.chosenMark, this.cursorMark);
  }

  markPlace(index) {
    this.chosenMark.replaceChildren(...cased(this.placeMarks[index], "place chosen"));
  }

  // -- size ---------------------------------------------------------------------------------------
  resize() {
    const width = this.frame.clientWidth;
    if (!width) return;
    const height = Math.min(0.72 * window.innerHeight, 760);
    this.fit = Math.min(width / this.cols, height / this.rows);
    const scale = this.fit * this.zoom;
    this.sheet.style.width = `${scale * this.cols}px`;
    this.sheet.style.height = `${scale * this.rows}px`;
    this.frame.style.height = `${Math.ceil(Math.min(this.fit * this.rows, height)) + 2}px`;
  }

  zoomBy(factor) {
    const largest = Math.max(1, LARGEST / this.fit);
    this.zoom = factor === 0 ? 1 : Math.min(largest, Math.max(1, this.zoom * factor));
    this.resize();
    this.centre();
    announce(`Zoom ${figures(this.zoom, 2)}`);
  }

  centre() {
    const [row, col] = this.cursor;
    const scale = this.fit * this.zoom;
    this.frame.scrollTo((col + 0.5) * scale - this.frame.clientWidth / 2, (row + 0.5) * scale - this.frame.clientHeight / 2);
  }

  // -- cursor -------------------------------------------------------------------------------------
  select(row, col) {
    const within = (value, length) => Math.min(length - 1, Math.max(0, value));
    this.state.set("cell", [within(row, this.rows), within(col, this.cols)]);
  }

  showCursor(row, col) {
    this.cursor = [row, col];
    const cross = `M${col - 2.5} ${row + 0.5}h2.2M${col + 1.3} ${row + 0.5}h2.2M${col + 0.5} ${row - 2.5}v2.2M${col + 0.5} ${row + 1.3}v2.2`;
    this.cursorMark.replaceChildren(...cased(`${square(row + 0.5, col + 0.5, 0.5)}${cross}`, "cursor"));
    if (!this.fit) return;
    const scale = this.fit * this.zoom;
    const [x, y, { scrollLeft, scrollTop, clientWidth, clientHeight }] = [col * scale, row * scale, this.frame];
    const hidden = x < scrollLeft || x + scale > scrollLeft + clientWidth || y < scrollTop || y + scale > scrollTop + clientHeight;
    if (hidden) this.centre();
  }

  key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const far = event.shiftKey ? 10 : 1;
    const [row, col] = this.cursor;
    const moves = {
      ArrowUp: () => this.select(row - far, col),
      ArrowDown: () => this.select(row + far, col),
      ArrowLeft: () => this.select(row, col - far),
      ArrowRight: () => this.select(row, col + far),
      Home: () => this.select(row, 0),
      End: () => this.select(row, this.cols - 1),
      "+": () => this.zoomBy(ZOOM),
      "=": () => this.zoomBy(ZOOM),
      "-": () => this.zoomBy(1 / ZOOM),
      0: () => this.zoomBy(0),
      n: () => this.nextPlace(1),
      p: () => this.nextPlace(-1),
    };
    if (!moves[event.key]) return;
    event.preventDefault();
    moves[event.key]();
  }

  nextPlace(step) {
    const count = this.placeMarks.length;
    if (!count) return;
    const at = this.state.get("place") ?? (step > 0 ? -1 : 0);
    this.state.set("place", (at + step + count) % count);
  }

  listenToPointer() {
    let from = null;
    this.sheet.addEventListener("pointerdown", (event) => {
      const { scrollLeft, scrollTop } = this.frame;
      from = { x: event.clientX, y: event.clientY, scrollLeft, scrollTop, moved: false, pans: event.pointerType === "mouse" };
    });
    this.sheet.addEventListener("pointermove", (event) => {
      if (!from || !event.buttons) return;
      const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
      from.moved ||= Math.hypot(dx, dy) > 4;
      if (from.moved && from.pans) this.frame.scrollTo(from.scrollLeft - dx, from.scrollTop - dy);
    });
    this.sheet.addEventListener("click", (event) => {
      if (from?.moved) return;
      const box = this.sheet.getBoundingClientRect();
      const row = Math.floor(((event.clientY - box.top) / box.height) * this.rows);
      const col = Math.floor(((event.clientX - box.left) / box.width) * this.cols);
      this.select(row, col);
    });
  }
}

function square(row, col, half) {
  return `M${col - half} ${row - half}h${2 * half}v${2 * half}h${-2 * half}Z`;
}

// a line that is seen on bright and on dark ground
function cased(path, kind) {
  return [drawing("path", { d: path, class: "casing" }), drawing("path", { d: path, class: `mark ${kind}` })];
}

// the borders between set and unset cells, as one path
function edges(bits, rows, cols) {
  const at = (row, col) => (row >= 0 && row < rows && col >= 0 && col < cols ? bits[row * cols + col] : 0);
  let path = "";
  for (let row = 0; row <= rows; row += 1) {
    for (let col = 0; col < cols; col += 1) {
      const start = col;
      while (col < cols && at(row, col) !== at(row - 1, col)) col += 1;
      if (col > start) path += `M${start} ${row}H${col}`;
    }
  }
  for (let col = 0; col <= cols; col += 1) {
    for (let row = 0; row < rows; row += 1) {
      const start = row;
      while (row < rows && at(row, col) !== at(row, col - 1)) row += 1;
      if (row > start) path += `M${col} ${start}V${row}`;
    }
  }
  return path;
}
