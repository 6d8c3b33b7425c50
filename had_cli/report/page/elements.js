// Making elements. Every text from a file goes through here as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

function drawing(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function panel(id, title, ...children) {
  const heading = element("h2", { id: `${id}-title` }, title);
  return element("section", { id, class: "panel", "aria-labelledby": `${id}-title` }, heading, ...children);
}

// "P_D" as P with a lowered D
function symbol(text) {
  const [base, index] = text.split("_");
  return element("span", { class: "symbol" }, element("i", {}, base), index ? element("sub", {}, index) : null);
}

let pending = 0;

// What changed, for screen readers: once, when a slider has come to rest.
function announce(text) {
  clearTimeout(pending);
  pending = setTimeout(() => {
    document.getElementById("announcement").textContent = text;
  }, 400);
}
