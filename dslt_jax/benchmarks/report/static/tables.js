// Leaderboard, attributes, sequences, reference numbers.

// Bold for what prints like the best, underlined for the second.
function emphasis(values, key) {
  const printed = [...new Set(values.filter((v) => v !== null).map((v) => Number(score(key, v))))];
  printed.sort((a, b) => (measures[key].higher ? b - a : a - b));
  return (value) => {
    const place = value === null ? -1 : printed.indexOf(Number(score(key, value)));
    return place === 0 ? "best" : place === 1 ? "second" : null;
  };
}

function whisker([low, high], value, from, to) {
  const x = (v) => 2 + 96 * (v - from) / (to - from || 1);
  return svg(
    "svg",
    { class: "whisker", viewBox: "0 0 100 12", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("line", { x1: x(low), x2: x(high), y1: 6, y2: 6 }),
    svg("line", { class: "mean", x1: x(value), x2: x(value), y1: 1, y2: 11 }),
  );
}

function leaderboard() {
  const rows = trackers.map((tracker, t) => ({ t, tracker }));
  const place = new Map(order.map((t, i) => [t, i + 1]));
  const columns = [{
    title: "Tracker",
    text: true,
    value: ({ tracker }) => tracker.name,
    cell: ({ t, tracker }) =>
      element(
        "button",
        {
          type: "button",
          class: "tracker",
          "data-t": t,
          "aria-pressed": "false",
          onclick: () => setFocus(t),
        },
        element("span", { class: "place" }, String(place.get(t))),
        swatch(t),
        tracker.name,
      ),
  }];
  for (const { key, title, meaning, higher } of data.measures) {
    const mark = emphasis(trackers.map((tracker) => tracker.summary[key]), key);
    columns.push({
      title,
      label: meaning,
      higher,
      value: ({ tracker }) => tracker.summary[key],
      cell: ({ tracker }) => score(key, tracker.summary[key]),
      look: ({ tracker }) => ({ class: mark(tracker.summary[key]) }),
    });
    const intervals = trackers.map((tracker) => tracker.intervals[key]);
    if (!intervals[0]) continue;
    const [from, to] = [Math.min(...intervals.map((i) => i[0])), Math.max(...intervals.map((i) => i[1]))];
    columns.push({
      title: "95 % interval",
      label: `bootstrap over sequences of ${title}`,
      cell: (
        { tracker },
      ) => [
        whisker(tracker.intervals[key], tracker.summary[key], from, to),
        element(
          "small",
          {},
          `${score(key, tracker.intervals[key][0])} – ${score(key, tracker.intervals[key][1])}`,
        ),
      ],
      head: "text",
      look: () => ({ class: "interval" }),
    });
  }
  if (trackers.some((tracker) => tracker.fps !== null)) {
    columns.push({
      title: "fps",
      label: "frames a second, where the results hold times",
      value: ({ tracker }) => tracker.fps,
      cell: ({ tracker }) => number(tracker.fps, 1),
    });
  }
  if (trackers.some((tracker) => tracker.against)) {
    columns.push({
      title: `Against ${trackers[0].name}`,
      value: ({ tracker }) => tracker.against?.difference[0] ?? null,
      label: `difference of ${
        measures[data.main].title
      } on the same sequences, p of a sign-flip test, sequences won and lost`,
      cell: ({ tracker }) => tracker.against ? against(tracker.against) : "–",
    });
  }
  const table = sortable("Leaderboard", columns, {
    sort: data.measures.findIndex((m) => m.key === data.main) + 1,
    descending: measures[data.main].higher,
  });
  table.classList.add("leaderboard");
  table.show(rows);
  return table;
}

function against({ difference: [mean], p, wins, losses }) {
  const sign = mean < 0 ? "−" : "+";
  const chance = p < 0.001 ? "p < 0.001" : `p ${p.toFixed(3)}`;
  return [`${sign}${Math.abs(mean).toFixed(3)} `, element("small", {}, `${chance}, ${wins} : ${losses}`)];
}

function attributeTable(key, highlight) {
  const columns = [{
    title: "Attribute",
    text: true,
    value: (group) => group.code,
    cell: (
      group,
    ) => [
      element("b", {}, group.code.replace("_", " ")),
      element("small", {}, group.name === group.code.replace("_", " ") ? "" : ` ${group.name}`),
    ],
  }, { title: "n", label: "sequences", value: (group) => group.count, cell: (group) => String(group.count) }];
  for (const t of order) {
    columns.push({
      title: trackers[t].name,
      t,
      value: (group) => group.values[key][t],
      higher: measures[key].higher,
      cell: (group) => score(key, group.values[key][t]),
      look: (group) => ({ class: highlight(group)(group.values[key][t]) }),
    });
  }
  const table = sortable(`${measures[key].title} by attribute`, columns);
  table.show(data.groups);
  return table;
}

function sequenceTable(onopen) {
  const keys = Object.keys(trackers[0].sequences);
  let key = keys[0];
  let text = "";
  let attribute = "";
  const rows = data.sequences.map((sequence, s) => ({ s, sequence }));
  const attributes = [...new Set(data.sequences.flatMap((sequence) => sequence.attributes))].sort();
  const holder = element("div");
  const told = element("p", { class: "reading", "aria-live": "polite" });
  let table;
  const build = () => {
    const values = trackers.map((tracker) => tracker.sequences[key]);
    const known = values.flat().filter((v) => v !== null);
    const top = Math.max(1e-9, ...known);
    const { higher } = measures[key];
    const columns = [{
      title: "Sequence",
      text: true,
      value: ({ sequence }) => sequence.name,
      cell: ({ s, sequence }) =>
        element("button", {
          type: "button",
          class: "open",
          title: "Show it in the player",
          onclick: () => onopen(s),
        }, sequence.name),
    }, {
      title: "Frames",
      value: ({ sequence }) => sequence.frames,
      cell: ({ sequence }) => String(sequence.frames),
    }];
    const look = (t) => ({ s }) => {
      const best = ranked(values.map((v) => v[s]), higher)[0];
      const share = values[t][s] === null ? 0 : higher ? values[t][s] / top : 1 - values[t][s] / top;
      return {
        class: values[t][s] !== null && values[t][s] === values[best][s] ? "heat best" : "heat",
        style: `--heat:${share.toFixed(2)}`,
      };
    };
    for (const t of order) {
      columns.push({
        title: trackers[t].name,
        t,
        higher,
        value: ({ s }) => values[t][s],
        cell: ({ s }) => score(key, values[t][s]),
        look: look(t),
      });
    }
    if (attributes.length) {
      columns.push({
        title: "Attributes",
        text: true,
        cell: ({ sequence }) => sequence.attributes.join(" "),
        look: () => ({ class: "text codes" }),
      });
    }
    table = sortable(`${measures[key].title} of every sequence`, columns, {
      sort: order.indexOf(focus.tracker) + 2,
      descending: !higher,
    });
    table.classList.add("sequences");
    holder.replaceChildren(table);
    filter();
  };
  const filter = () => {
    const found = rows.filter(({ sequence }) =>
      sequence.name.toLowerCase().includes(text) && (!attribute || sequence.attributes.includes(attribute))
    );
    told.textContent = found.length === rows.length
      ? count(rows.length, "sequence")
      : `${found.length} of ${count(rows.length, "sequence")}`;
    table.show(found);
  };
  const search = element("input", {
    type: "search",
    placeholder: "Name",
    "aria-label": "Filter by name",
    oninput: () => {
      text = search.value.trim().toLowerCase();
      filter();
    },
  });
  const controls = element(
    "div",
    { class: "controls" },
    search,
    attributes.length
      ? choice(
        "Attribute",
        [["", "any"], ...attributes.map((code) => [code, code.replace("_", " ")])],
        (value) => {
          attribute = value;
          filter();
        },
      )
      : null,
    choice("Measure", keys.map((k) => [k, measures[k].title]), (value) => {
      key = value;
      build();
    }, key),
    told,
  );
  build();
  return [controls, holder];
}

function referenceTable() {
  const { keys, rows } = data.reference;
  if (!rows.length) {
    return element("p", { class: "reading" }, `There are no reference numbers for ${data.dataset}.`);
  }
  const columns = [
    { title: "Tracker", text: true, value: (row) => row.tracker, cell: (row) => row.tracker },
    ...keys.map((key, i) => ({
      title: measures[key].title,
      higher: measures[key].higher,
      value: (row) => row.values[i],
      cell: (row) => score(key, row.values[i]),
    })),
    { title: "Kind", text: true, value: (row) => row.kind, cell: (row) => row.kind },
    { title: "Source", text: true, cell: (row) => row.source, look: () => ({ class: "text source" }) },
  ];
  const table = sortable("Reference numbers", columns, { sort: 1 });
  table.show(rows);
  return table;
}
