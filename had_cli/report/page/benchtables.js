// The figures of a bench: one measure scene by scene, and the means of all.

function figuresPanel(content) {
  const place = element("div");
  const about = element("p", { class: "hint" });
  const choose = element("select", { id: "measure", onchange: () => show() },
    ...content.measures.map(({ symbol: name }, i) => element("option", { value: i }, name)));
  const show = () => {
    const measure = content.measures[Number(choose.value)];
    about.textContent = `${measure.summary}: ${measure.formula}. Of a perfect map: ${figures(toNumber(measure.best))}.`;
    place.replaceChildren(sceneTable(content, measure));
  };
  show();
  return panel("figures", "Figures by scene",
    element("label", { class: "chooser" }, "Measure ", choose), about, place);
}

function sceneTable({ scenes, labels, trained }, measure) {
  const rows = scenes.map((scene, i) => ({ scene, values: measure.values[i].map(toNumber), trained: trained[i] }));
  const columns = [{ title: "Scene", value: ({ scene }) => scene, text: ({ scene }) => scene },
    ...labels.map((label, i) => ({
      title: label, number: true, value: ({ values }) => values[i],
      cell: (row) => marked(best(row.values[i], row.values, measure), row.trained[i]),
    }))];
  const table = sortable("Figures by scene", columns, rows);
  const summary = (title, values, text) => element("tr", {}, element("th", { scope: "row" }, title),
    ...values.map((value) => element("td", { class: "number" }, text(toNumber(value)))));
  table.querySelector("table").append(element("tfoot", {},
    summary(`Mean of ${measure.counted}`, measure.mean, decimals),
    summary("Mean rank", measure.rank, (value) => (Number.isNaN(value) ? "–" : value.toFixed(2)))));
  return table;
}

// a dagger where weights were trained on the scene; what it means stands in the notes
function marked(content, trained) {
  return trained ? element("span", { title: "weights trained on this scene" }, content, "†") : content;
}

// bold where no other configuration is nearer to a perfect map
function best(value, values, measure) {
  const goal = toNumber(measure.best);
  const distance = (v) => (Number.isFinite(goal) ? Math.abs(v - goal) : -v);
  const nearest = Math.min(...values.filter((v) => !Number.isNaN(v)).map(distance));
  const text = decimals(value);
  return distance(value) === nearest && values.length > 1 ? element("strong", {}, text) : text;
}

function meansPanel({ labels, measures, notes }) {
  const rows = measures.map((measure) => element("tr", {},
    element("th", { scope: "row" }, measure.symbol),
    ...measure.mean.map((value, i) => element("td", { class: "number" }, best(toNumber(value), measure.mean.map(toNumber), measure),
      element("small", {}, ` ${rankText(measure.rank[i])}`))),
    element("td", { class: "number" }, figures(toNumber(measure.best)))));
  const heads = ["Measure", ...labels, "Best"].map((text, i) =>
    element("th", { scope: "col", class: i > 0 ? "number" : null }, text));
  const definitions = element("dl", { class: "facts" }, ...measures.flatMap((measure) =>
    [element("dt", {}, measure.symbol), element("dd", {}, measure.formula)]));
  return panel("means", "Means over the scenes, with mean ranks",
    scrolling("Means", element("table", {}, element("thead", {}, element("tr", {}, ...heads)), element("tbody", {}, ...rows))),
    element("details", {}, element("summary", {}, "Definitions"), definitions),
    ...notes.map((text) => element("p", { class: "hint" }, text)));
}

function rankText(rank) {
  const value = toNumber(rank);
  return Number.isNaN(value) ? "" : `(${value.toFixed(2)})`;
}

function decimals(value) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "–" : figures(value);
  return Math.abs(value) < 100 ? signed(value.toFixed(4)) : figures(value, 4);
}
