// Tables that can be sorted by any column.

// columns: [{ title, number, value(row), text(row), cell(row) }]
function sortable(label, columns, rows, decorate = () => {}) {
  const body = element("tbody");
  let [by, falling] = [0, false];
  const lines = rows.map((row) => {
    const line = element("tr", {}, ...columns.map((column) =>
      element("td", { class: column.number ? "number" : null }, column.cell ? column.cell(row) : column.text(row))));
    decorate(row, line);
    return { row, line };
  });
  const heads = columns.map((column, index) => element("th", { scope: "col", class: column.number ? "number" : null },
    element("button", { type: "button", class: "sort", onclick: () => sort(index) }, column.title)));
  const sort = (index) => {
    [by, falling] = [index, index === by ? !falling : false];
    show();
    announce(`Sorted by ${columns[by].name ?? columns[by].title}, ${falling ? "falling" : "rising"}`);
  };
  const show = () => {
    heads.forEach((head, index) => {
      if (index === by) head.setAttribute("aria-sort", falling ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    const { value } = columns[by];
    lines.sort((a, b) => compared(value(a.row), value(b.row), falling));
    body.replaceChildren(...lines.map(({ line }) => line));
  };
  show();
  return scrolling(label, element("table", { class: "sortable" },
    element("caption", { class: "unseen" }, label), element("thead", {}, element("tr", {}, ...heads)), body));
}

// what is missing comes last, whichever way
function compared(a, b, falling) {
  const [noA, noB] = [a, b].map((value) => value === null || value === undefined || Number.isNaN(value));
  if (noA || noB) return noA - noB;
  const order = typeof a === "string" ? a.localeCompare(b) : a - b;
  return falling ? -order : order;
}

// a wide table scrolls within itself, by keyboard too, so that the page never scrolls sideways
function scrolling(label, table) {
  return element("div", { class: "scrolling", tabindex: 0, role: "region", "aria-label": label }, table);
}
