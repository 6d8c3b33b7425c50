// Where everything comes from, what was warned of, what was reduced.

function provenancePanel(sections) {
  const blocks = sections.map(({ title, rows }) => element("div", {},
    element("h3", {}, title),
    element("dl", { class: "facts" }, ...rows.flatMap(([name, text]) => [element("dt", {}, name), element("dd", {}, text)]))));
  return panel("provenance", "Provenance", element("div", { class: "sections" }, ...blocks));
}

function notices({ warnings, reduced }) {
  const list = (kind, title, lines) => (lines.length
    ? element("section", { class: `notice ${kind}`, "aria-label": title }, element("h2", {}, title),
      element("ul", {}, ...lines.map((line) => element("li", {}, line))))
    : null);
  return [list("warning", "Warnings", warnings), list("reduced", "Reduced for this page", reduced)].filter(Boolean);
}

function header({ title, subtitle, facts }, name = "h1") {
  return element("header", {},
    element("p", { class: "kind" }, subtitle),
    element(name, { class: "title" }, title),
    element("dl", { class: "headline" }, ...facts.map(([name, text]) => element("div", {}, element("dt", {}, name), element("dd", {}, text)))));
}

function footer({ version }) {
  return element("footer", {}, `had ${version}. This file is complete in itself and asks the network for nothing.`);
}
