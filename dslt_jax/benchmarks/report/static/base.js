// The data, elements, numbers, and which tracker is in focus.

const data = JSON.parse(document.getElementById("data").textContent);
const trackers = data.trackers;
const measures = Object.fromEntries(data.measures.map((measure) => [measure.key, measure]));
// Positions of the trackers from the best to the worst.
const order = ranked(trackers.map((tracker) => tracker.summary[data.main]), measures[data.main].higher);
const SVG = "http://www.w3.org/2000/svg";

// element("button", {class: "x", onclick: f}, "text", child, ...)
function element(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

function number(value, digits = 3) {
  return value === null || value === undefined ? "–" : value.toFixed(digits);
}

function score(key, value) {
  return number(value, measures[key].digits);
}

function count(many, word) {
  return `${many.toLocaleString("en")} ${word}${many === 1 ? "" : "s"}`;
}

// Positions of `values` from the best to the worst; what is not there comes last.
function ranked(values, higher = true) {
  const worth = (i) => (values[i] === null ? -Infinity : higher ? values[i] : -values[i]);
  return values.map((_, i) => i).sort((a, b) => worth(b) - worth(a) || a - b);
}

function mean(values) {
  const known = values.filter((value) => value !== null);
  return known.length ? known.reduce((a, b) => a + b, 0) / known.length : null;
}

// The line that stands for a tracker in legends and tables.
function swatch(t) {
  const line = svg("line", {
    x1: 1,
    y1: 5,
    x2: 21,
    y2: 5,
    stroke: trackers[t].color,
    "stroke-width": 3,
    "stroke-dasharray": trackers[t].dash || null,
    "stroke-linecap": "round",
  });
  return svg("svg", { class: "swatch", viewBox: "0 0 22 10", "aria-hidden": "true" }, line);
}

// A <select> with a label; `options` are [value, text] pairs.
function choice(label, options, onchange, value) {
  const select = element(
    "select",
    { onchange: () => onchange(select.value) },
    options.map(([key, text]) => element("option", { value: key, selected: key === value }, text)),
  );
  return element("label", { class: "choice" }, element("span", {}, label), select);
}

function section(id, title, explanation, ...children) {
  const heading = element(
    "div",
    { class: "heading" },
    element("h2", {}, title),
    explanation ? element("p", {}, explanation) : null,
  );
  document.querySelector("main").append(
    element("section", { id, "aria-label": title }, heading, ...children),
  );
  document.querySelector("nav").append(element("a", { href: `#${id}` }, title));
}

// Focus: the tracker whose failures the player lists and whose lines are thicker. Pointing at
// anything with data-t fades the others for the moment.
const focus = { tracker: 0, listeners: [] };

function setFocus(t) {
  focus.tracker = t;
  for (const listener of focus.listeners) listener(t);
  markFocus();
}

function markFocus() {
  for (const node of document.querySelectorAll("[data-t]")) {
    const focused = Number(node.dataset.t) === focus.tracker;
    node.classList.toggle("focused", focused);
    if (node.hasAttribute("aria-pressed")) node.setAttribute("aria-pressed", focused);
  }
}

let pointed = null;

function pointAt(t) {
  if (t === pointed) return;
  pointed = t;
  document.body.classList.toggle("pointing", t !== null);
  for (const node of document.querySelectorAll("[data-t]")) {
    node.classList.toggle("pointed", Number(node.dataset.t) === t);
  }
}

function watchPointing(root) {
  const over = (event) => {
    const node = event.target.closest?.("[data-t]");
    if (node) pointAt(Number(node.dataset.t));
  };
  root.addEventListener("pointerover", over);
  root.addEventListener("focusin", over);
  root.addEventListener("pointerout", () => pointAt(null));
  root.addEventListener("focusout", () => pointAt(null));
}
