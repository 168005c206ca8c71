// What stands beside the frame: targets, numbers, files.

import { fileAddress } from "./api.js";
import { colorOf } from "./colors.js";

export function element(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children.filter((child) => child !== null));
  return node;
}

// `boxes` as of View; `act` has choose(target) and remove(target).
export function showTargets(list, boxes, selected, act) {
  const items = boxes.map(({ target, confidence, lost, draft }) => {
    const swatch = element("span", { className: "swatch" });
    swatch.style.background = colorOf(target);
    const value = draft ? "drawn" : lost ? "lost" : confidence.toFixed(2);
    const name = element(
      "button",
      { className: "name", onclick: () => act.choose(target) },
      swatch,
      `Target ${target}`,
      element("span", { className: lost && !draft ? "value lost" : "value" }, value),
    );
    name.setAttribute("aria-pressed", target === selected);
    const title = `Remove target ${target} from this frame on`;
    const remove = element("button", { className: "remove", title, onclick: () => act.remove(target) }, "×");
    remove.setAttribute("aria-label", title);
    return element("li", {}, name, remove);
  });
  const none = element("li", { className: "quiet" }, "No box in this frame: drag one.");
  replace(list, items.length ? items : [none]);
}

// Pairs of a name and a text; those without a text are left out.
export function showNumbers(list, pairs) {
  const known = pairs.filter(([, text]) => text !== null && text !== undefined);
  replace(list, known.flatMap(([name, text]) => [element("dt", {}, name), element("dd", {}, text)]));
}

export function showFiles(list, names) {
  if (list.dataset.names === names.join()) return;
  list.dataset.names = names.join();
  const items = names.map((name) => element("li", {}, element("a", { href: fileAddress(name), download: name }, name)));
  replace(list, items.length ? items : [element("li", { className: "quiet" }, "Boxes come here.")]);
}

export function showChoices(select, options, value) {
  select.replaceChildren(
    ...options.map(({ key, name, hint }) =>
      element("option", { value: key, selected: key === value, disabled: Boolean(hint) }, hint ? `${name} (${hint})` : name),
    ),
  );
}

// Nothing moves under the pointer or loses the focus where nothing has changed.
function replace(list, nodes) {
  const fresh = element(list.tagName, {}, ...nodes);
  if (list.innerHTML === fresh.innerHTML) return;
  const focused = [...list.querySelectorAll("button")].indexOf(document.activeElement);
  list.replaceChildren(...nodes);
  if (focused >= 0) list.querySelectorAll("button")[focused]?.focus();
}
