// The table of places: connected pixels at or above the threshold that the report starts with.

function placesPanel(content, state, map) {
  const { rows, explanation, note } = content.places;
  const standing = element("p", { class: "standing", id: "places-standing" });
  if (!rows.length) return panel("places", "Places", element("p", { class: "hint" }, explanation));
  const lines = [];
  const numbers = (title, name, text, digits = 4) => ({
    title, number: true, value: (row) => toNumber(row[name]), text: (row) => (row[name] === null ? "" : (text ?? ((value) => figures(value, digits)))(toNumber(row[name]))),
  });
  const has = (name) => rows.some((row) => row[name] !== null && row[name] !== undefined);
  const columns = [
    {
      title: "Rank", number: true, value: (row) => row.rank,
      cell: (row) => element("button", { type: "button", class: "go", "aria-label": `Show place ${row.rank} on the map`, onclick: () => state.set("place", row.rank - 1) }, row.rank),
    },
    numbers("Peak score", "peak"),
    numbers("Mean score", "mean"),
    numbers("Pixels", "pixels", integer),
    has("area_m2") ? numbers("Area, m²", "area_m2") : null,
    numbers("Row", "row", (value) => value.toFixed(1)),
    numbers("Column", "col", (value) => value.toFixed(1)),
    has("lon") ? numbers("Longitude", "lon", (value) => signed(value.toFixed(6))) : null,
    has("lat") ? numbers("Latitude", "lat", (value) => signed(value.toFixed(6))) : null,
    has("bands") ? { title: "Strongest bands", value: (row) => row.bands, text: (row) => signed(row.bands ?? "") } : null,
  ].filter(Boolean);
  const table = sortable("Places", columns, rows, (row, line) => {
    lines[row.rank - 1] = line;
    line.addEventListener("click", (event) => {
      if (!event.target.closest("button")) state.set("place", row.rank - 1);
    });
  });
  state.on("place", (index) => {
    lines.forEach((line, i) => line.classList.toggle("chosen", i === index));
    const { peak_row: row, peak_col: col } = rows[index];
    map.markPlace(index);
    map.select(Math.floor(row / content.map.step), Math.floor(col / content.map.step));
    if (map.zoom < 3) map.zoom = Math.min(3, LARGEST / map.fit);
    map.resize();
    map.centre();
  });
  state.on("threshold", (threshold) => {
    let reached = 0;
    rows.forEach((row, i) => {
      const reaches = toNumber(row.peak) >= threshold;
      reached += reaches;
      lines[i].classList.toggle("below", !reaches);
    });
    standing.textContent = `${integer(reached)} of ${integer(rows.length)} places listed reach the threshold in use.`;
  });
  return panel("places", "Places", element("p", { class: "hint" }, explanation), standing, table,
    note ? element("p", { class: "hint" }, note) : null);
}
