// Plots as SVG, drawn anew whenever their width changes so that text keeps its size.

function chart(draw, label) {
  const holder = element("div", { class: "chart" });
  let width = 0;
  holder.redraw = () => {
    if (!holder.clientWidth) return;
    width = holder.clientWidth;
    holder.replaceChildren(draw(width));
    holder.firstChild.setAttribute("role", "img");
    holder.firstChild.setAttribute("aria-label", label);
    markFocus();
  };
  new ResizeObserver(() => {
    if (holder.clientWidth !== width) holder.redraw();
  }).observe(holder);
  return holder;
}

function ticks(low, high, about) {
  const raw = (high - low) / about;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((candidate) => candidate >= raw * 0.999);
  const first = Math.ceil(low / step - 1e-9);
  return Array.from(
    { length: Math.floor(high / step + 1e-9) - first + 1 },
    (_, i) => +((first + i) * step).toPrecision(6),
  );
}

// A frame with axes; returns the svg and the scales x() and y().
function axes(width, { xs, ys, xTitle, yTitle, log = false, xTicks }) {
  const height = Math.round(Math.min(Math.max(width * 0.72, 230), 380));
  const [left, right, top, bottom] = [46, 12, 10, 42];
  const position = log ? Math.log10 : (value) => value;
  const x = (v) =>
    left + (position(v) - position(xs[0])) / (position(xs[1]) - position(xs[0])) * (width - left - right);
  const y = (v) => height - bottom - (v - ys[0]) / (ys[1] - ys[0]) * (height - top - bottom);
  const picture = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height });
  for (const value of ticks(...ys, 5)) {
    picture.append(svg("line", { class: "grid", x1: left, x2: width - right, y1: y(value), y2: y(value) }));
    picture.append(
      svg("text", { class: "tick", x: left - 8, y: y(value) + 4, "text-anchor": "end" }, String(value)),
    );
  }
  for (const value of xTicks ?? ticks(...xs, Math.max(3, Math.floor(width / 90)))) {
    picture.append(svg("line", { class: "grid", x1: x(value), x2: x(value), y1: top, y2: height - bottom }));
    picture.append(
      svg(
        "text",
        { class: "tick", x: x(value), y: height - bottom + 18, "text-anchor": "middle" },
        String(value),
      ),
    );
  }
  picture.append(
    svg(
      "text",
      { class: "axis", x: (left + width - right) / 2, y: height - 6, "text-anchor": "middle" },
      xTitle,
    ),
    svg("text", {
      class: "axis",
      x: 0,
      y: 0,
      "text-anchor": "middle",
      transform: `translate(12 ${(top + height - bottom) / 2}) rotate(-90)`,
    }, yTitle),
  );
  return { picture, x, y, left, right, top, bottom, height };
}

function path(points) {
  let pen = "M";
  return points.map(([x, y]) => {
    if (y === null) {
      pen = "M";
      return "";
    }
    const part = `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = "L";
    return part;
  }).join("");
}

function trackerLine(t, d, more = {}) {
  return svg("path", {
    class: "line",
    d,
    "data-t": t,
    stroke: trackers[t].color,
    "stroke-dasharray": trackers[t].dash || null,
    ...more,
  });
}

// Lines with a ranked legend. `series` are {t, y, score}; pointing at the plot, or the arrow keys
// while it has the keyboard, reads the values at one x.
function lineChart({ key, title, x: positions, xTitle, yTitle, yMax = 1, band = null, readAt }) {
  let series = [];
  const legend = element("ol", { class: "legend" });
  const caption = element("p", { class: "reading", "aria-live": "polite" });
  let at = null;
  const plot = chart((width) => {
    const frame = axes(width, { xs: [positions[0], positions.at(-1)], ys: [0, yMax], xTitle, yTitle });
    if (band) {
      const [from, to] = band.map((v) => frame.x(Math.min(Math.max(v, positions[0]), positions.at(-1))));
      frame.picture.append(
        svg("rect", {
          class: "band",
          x: from,
          width: to - from,
          y: frame.top,
          height: frame.height - frame.top - frame.bottom,
        }),
      );
    }
    for (const { t, y } of [...series].reverse()) {
      frame.picture.append(
        trackerLine(t, path(positions.map((p, i) => [frame.x(p), y[i] === null ? null : frame.y(y[i])]))),
      );
    }
    const cursor = svg("line", {
      class: "cursor",
      y1: frame.top,
      y2: frame.height - frame.bottom,
      visibility: "hidden",
    });
    frame.picture.append(cursor);
    plot.move = () => {
      cursor.setAttribute("visibility", at === null ? "hidden" : "visible");
      if (at === null) return;
      cursor.setAttribute("x1", frame.x(positions[at]));
      cursor.setAttribute("x2", frame.x(positions[at]));
    };
    plot.move();
    plot.nearest = (pixel) => {
      const distances = positions.map((p) => Math.abs(frame.x(p) - pixel));
      return distances.indexOf(Math.min(...distances));
    };
    return frame.picture;
  }, `${title}: ${yTitle} over ${xTitle}. The scores are in the list beside it.`);
  const read = (index) => {
    at = index;
    plot.move?.();
    caption.textContent = at === null ? `Ranked by ${measures[key].title}` : `At ${readAt(positions[at])}`;
    for (const { t, y, value } of series) {
      const shown = at === null ? score(key, value) : number(y[at]);
      legend.querySelector(`[data-t="${t}"] .value`).textContent = shown;
    }
  };
  fill(plot, { tabindex: 0, role: "group", "aria-label": `${title}: the arrow keys read the values` }, []);
  plot.addEventListener("pointermove", (event) => {
    if (plot.nearest) read(plot.nearest(event.clientX - plot.getBoundingClientRect().left));
  });
  plot.addEventListener("pointerleave", () => read(null));
  plot.addEventListener("blur", () => read(null));
  plot.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const start = at ?? (step > 0 ? -1 : positions.length);
    read(Math.min(Math.max(start + step, 0), positions.length - 1));
  });
  const figure = element(
    "figure",
    { class: "plot" },
    element("figcaption", {}, element("h3", {}, title), caption),
    plot,
    legend,
  );
  figure.show = (next) => {
    series = next;
    legend.replaceChildren(...series.map(({ t, value }) => legendRow(t, score(key, value))));
    plot.redraw();
    read(null);
  };
  return figure;
}

function legendRow(t, text) {
  return element(
    "li",
    {},
    element(
      "button",
      { type: "button", "data-t": t, "aria-pressed": "false", onclick: () => setFocus(t) },
      swatch(t),
      element("span", { class: "name" }, trackers[t].name),
      element("span", { class: "value" }, text),
    ),
  );
}

// Points with names. `points` are {t, x, y}.
function scatter({ title, explanation, points, xTitle, yTitle, log = false, xs = null, ys = null, xTicks }) {
  const reach = (values, low, high) => {
    const margin = (Math.max(...values) - Math.min(...values)) * 0.15 || 0.05;
    return [Math.max(low, Math.min(...values) - margin), Math.min(high, Math.max(...values) + margin)];
  };
  const decades = (values) => [Math.min(...values) / 2, Math.max(...values) * 2.5];
  const xRange = xs ?? (log ? decades(points.map((p) => p.x)) : reach(points.map((p) => p.x), 0, Infinity));
  const yRange = ys ?? reach(points.map((p) => p.y), 0, 1);
  const plot = chart((width) => {
    const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000];
    const frame = axes(width, {
      xs: xRange,
      ys: yRange,
      xTitle,
      yTitle,
      log,
      xTicks: log ? steps.filter((v) => v >= xRange[0] && v <= xRange[1]) : xTicks,
    });
    for (const { t, x, y } of points) {
      const [cx, cy] = [frame.x(x), frame.y(y)];
      const flip = cx > width - 90;
      frame.picture.append(
        svg(
          "g",
          { class: "point", "data-t": t },
          svg("circle", { cx, cy, r: 6, fill: trackers[t].color }),
          svg(
            "text",
            { x: cx + (flip ? -10 : 10), y: cy + 4, "text-anchor": flip ? "end" : "start" },
            trackers[t].name,
          ),
          svg("title", {}, `${trackers[t].name}: ${xTitle} ${number(x)}, ${yTitle} ${number(y)}`),
        ),
      );
    }
    return frame.picture;
  }, `${title}: ${points.map((p) => `${trackers[p.t].name} ${number(p.x)}, ${number(p.y)}`).join("; ")}`);
  return element(
    "figure",
    { class: "plot single" },
    element("figcaption", {}, element("h3", {}, title), element("p", { class: "reading" }, explanation)),
    plot,
  );
}

// One spoke an attribute, one polygon a tracker.
function radar(groups, key) {
  const plot = chart((width) => {
    const size = Math.min(width, 460);
    const radius = size / 2 - 44;
    const all = groups.flatMap((group) => group.values[key]).filter((v) => v !== null);
    const outer = Math.ceil(Math.max(0.1, ...all) * 10) / 10;
    const inner = Math.max(0, Math.floor(Math.min(outer, ...all) * 10 - 1) / 10);
    const at = (i, value) => {
      const angle = (i / groups.length) * 2 * Math.PI - Math.PI / 2;
      const length = radius * (value - inner) / (outer - inner);
      return [width / 2 + length * Math.cos(angle), size / 2 + length * Math.sin(angle)];
    };
    const ring = (value) => path([...groups.map((_, i) => at(i, value)), at(0, value)]);
    const picture = svg("svg", { viewBox: `0 0 ${width} ${size}`, width, height: size });
    for (const value of ticks(inner, outer, 4)) {
      picture.append(svg("path", { class: "grid ring", d: ring(value) }));
      if (value > inner) {
        picture.append(
          svg("text", { class: "tick", x: width / 2 + 4, y: at(0, value)[1] + 12 }, String(value)),
        );
      }
    }
    groups.forEach((group, i) => {
      const [x, y] = at(i, outer);
      const [lx, ly] = at(i, outer + (outer - inner) * 18 / radius);
      picture.append(svg("line", { class: "grid", x1: width / 2, y1: size / 2, x2: x, y2: y }));
      const anchor = Math.abs(lx - width / 2) < 12 ? "middle" : lx > width / 2 ? "start" : "end";
      const short = group.code.length > 8 ? group.code.replace("_", " ").slice(0, 12) : group.code;
      picture.append(
        svg(
          "text",
          { class: "spoke", x: lx, y: ly + 4, "text-anchor": anchor },
          short,
          svg("title", {}, group.name),
        ),
      );
    });
    for (const t of [...order].reverse()) {
      const points = groups.map((group, i) => at(i, group.values[key][t] ?? inner));
      picture.append(trackerLine(t, path([...points, points[0]]) + "Z"));
    }
    return picture;
  }, `${measures[key].title} by attribute, the numbers are in the table beside it`);
  return plot;
}
