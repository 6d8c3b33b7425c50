// The page of several scenes: a table of all, and below it the one that was chosen there.

function indexPage(content) {
  const place = element("section", { class: "chosen-scene", "aria-label": "The chosen scene" });
  const lines = [];
  const show = () => {
    if (location.hash === "#content") return; // the link that skips to the content
    const chosen = content.entries.find(({ number }) => number && location.hash === `#scene-${number}`);
    lines.forEach(([entry, line]) => line.classList.toggle("chosen", entry === chosen));
    place.replaceChildren();
    if (!chosen) return;
    // read when it is asked for: all scenes at once would fill the memory
    const carried = JSON.parse(document.getElementById(`carried-${chosen.number}`).textContent);
    const [head, notes, body] = sceneParts(carried, "h2");
    place.append(around(content.entries, chosen), head, ...notes, ...body);
    const title = head.querySelector(".title");
    title.tabIndex = -1;
    title.focus();
    place.scrollIntoView();
  };
  document.getElementById("page").append(header(content), ...notices(content),
    element("main", { id: "content" }, indexPanel(content, lines), place), footer(content));
  window.addEventListener("hashchange", show);
  show();
}

function indexPanel({ entries, explanation }, lines) {
  const known = (name) => entries.some((entry) => entry[name] !== null);
  const number = (title, name, text = integer) => ({
    title, number: true, value: (entry) => toNumber(entry[name]), text: (entry) => (entry[name] === null ? "–" : text(toNumber(entry[name]))),
  });
  const columns = [
    {
      title: "Scene", value: ({ scene }) => scene,
      cell: ({ scene, number: at }) => (at ? element("a", { href: `#scene-${at}` }, scene) : scene),
    },
    { title: "Method", value: ({ method }) => method, text: ({ method }) => method ?? "–" },
    number("Rows", "rows"),
    number("Columns", "cols"),
    number("Bands", "bands"),
    number("Places", "places"),
    number("Threshold", "threshold", (value) => figures(value, 5)),
    known("auc") ? number("AUC(D,F)", "auc", (value) => value.toFixed(4)) : null,
    { title: "Score map", value: ({ scores }) => scores, text: ({ scores }) => scores },
    known("error") ? {
      title: "Failed", value: ({ error }) => error ?? "",
      cell: ({ error }) => element("span", { class: "failure" }, error ?? ""),
    } : null,
  ].filter(Boolean);
  const table = sortable("Scenes", columns, entries, (entry, line) => lines.push([entry, line]));
  return panel("index", "Scenes", element("p", { class: "hint" }, explanation), table);
}

function around(entries, chosen) {
  const drawn = entries.filter(({ number }) => number);
  const at = drawn.indexOf(chosen);
  const link = (entry, text) => (entry ? element("a", { href: `#scene-${entry.number}` }, `${text}: ${entry.scene}`) : null);
  return element("nav", { "aria-label": "Scenes" },
    element("a", { href: "#index" }, "All scenes"), link(drawn[at - 1], "Previous"), link(drawn[at + 1], "Next"));
}
