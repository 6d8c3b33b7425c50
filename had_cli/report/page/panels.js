// Panels that plugins add: texts, a table and a picture, as data.

function pluginPanel({ name, title, paragraphs, table, picture, caption }) {
  const [head, ...rows] = table;
  const cells = (row, kind) => element("tr", {}, ...row.map((text) => element(kind, {}, text)));
  return panel(`panel-${name}`, title,
    ...paragraphs.map((text) => element("p", {}, text)),
    head ? scrolling(title, element("table", {}, element("thead", {}, cells(head, "th")),
      element("tbody", {}, ...rows.map((row) => cells(row, "td"))))) : null,
    picture ? element("figure", {}, element("img", { src: picture, alt: caption }), element("figcaption", {}, caption)) : null);
}
