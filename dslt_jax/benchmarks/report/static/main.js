// Puts the page together, section by section.

function curvesSection() {
  const figures = data.curves.map((curve) => {
    const known = curve.bySequence ? [1] : curve.y.flat().filter((v) => v >= 0).map((v) => v / curve.steps);
    return lineChart({
      key: curve.measure,
      title: curve.title,
      x: curve.x,
      xTitle: curve.xTitle,
      yTitle: curve.yTitle,
      yMax: Math.ceil(Math.max(0.1, ...known) * 10) / 10,
      band: curve.band,
      readAt: (x) => `${curve.xTitle} ${x}`,
    });
  });
  const show = (members) =>
    data.curves.forEach((curve, i) => {
      const series = trackers.map((tracker, t) => {
        const value = (v) => (v < 0 ? null : v / curve.steps);
        if (!curve.bySequence) return { t, y: curve.y[t].map(value), value: tracker.summary[curve.measure] };
        const y = curve.x.map((_, k) => mean(members.map((s) => value(curve.y[t][s][k]))));
        return { t, y, value: mean(members.map((s) => tracker.sequences[curve.measure][s])) };
      });
      const best = ranked(series.map(({ value }) => value), measures[curve.measure].higher);
      figures[i].show(best.map((t) => series[t]));
    });
  const everything = data.sequences.map((_, s) => s);
  const pick = (code) =>
    show(code ? everything.filter((s) => data.sequences[s].attributes.includes(code)) : everything);
  const options = [
    ["", `all ${count(data.sequences.length, "sequence")}`],
    ...data.groups.map((g) => [g.code, `${g.code}, ${g.name} (${g.count})`]),
  ];
  const controls = data.supervised || !data.groups.length
    ? null
    : element("div", { class: "controls" }, choice("Sequences", options, pick, ""));
  section(
    "curves",
    "Curves",
    data.supervised
      ? "The mean over the shaded lengths is EAO."
      : "Point at a plot, or step through it with the arrow keys, to read the values at one threshold.",
    controls,
    element("div", { class: "plots" }, figures),
  );
  pick("");
  if (data.supervised) supervisedPlots();
}

function supervisedPlots() {
  const points = (x, y) =>
    trackers.map(({ summary }, t) => ({ t, x: x(summary, t), y: summary[y] })).filter((p) =>
      p.x !== null && p.y !== null
    );
  const place = new Map(order.map((t, i) => [t, i + 1]));
  const plots = [
    scatter({
      title: "A-R plot",
      explanation: "Better is right and up. Reliability is exp(−30 failures / frames).",
      points: points((summary) => summary.reliability, "accuracy"),
      xTitle: "reliability",
      yTitle: "accuracy",
    }),
  ];
  const ranking = points((_, t) => place.get(t), "eao");
  if (ranking.length) {
    plots.push(
      scatter({
        title: "EAO ranking",
        explanation: "The best tracker is at the right.",
        points: ranking,
        xTitle: "rank",
        yTitle: "EAO",
        xs: [trackers.length + 0.5, 0.5],
        xTicks: ranking.map((p) => p.x),
      }),
    );
  }
  section("vot", "A-R and EAO", null, element("div", { class: "plots" }, plots));
}

function attributesSection() {
  if (!data.groups.length) return;
  const keys = Object.keys(data.groups[0].values);
  const holder = element("div", { class: "attributes" });
  const show = (key) => {
    const highlight = (group) => emphasis(group.values[key], key);
    holder.replaceChildren(
      ...(data.groups.length >= 3 ? [radar(data.groups, key)] : []),
      attributeTable(key, highlight),
    );
    markFocus();
  };
  const start =
    keys.includes(data.main) && data.groups.some((g) => g.values[data.main].some((v) => v !== null))
      ? data.main
      : keys[1];
  section(
    "attributes",
    "Attributes",
    "The best number of a row is bold, the second underlined.",
    element(
      "div",
      { class: "controls" },
      choice("Measure", keys.map((key) => [key, measures[key].title]), show, start),
    ),
    holder,
  );
  show(start);
}

function speedSection() {
  const known = trackers.flatMap((
    tracker,
    t,
  ) => (tracker.fps && tracker.summary[data.main] !== null
    ? [{ t, x: tracker.fps, y: tracker.summary[data.main] }]
    : [])
  );
  if (!known.length) return;
  const untimed = trackers.filter((tracker) => tracker.fps === null).length;
  section(
    "speed",
    "Speed",
    untimed ? `The results of ${count(untimed, "tracker")} hold no times.` : null,
    element(
      "div",
      { class: "plots" },
      scatter({
        title: "Speed and accuracy",
        explanation: "As timed by each tracker's own run; machines may differ.",
        points: known,
        xTitle: "frames a second",
        yTitle: measures[data.main].title,
        log: true,
      }),
    ),
  );
}

function start() {
  const frames = data.sequences.reduce((total, sequence) => total + sequence.frames, 0);
  document.getElementById("facts").textContent = `${data.dataset}, ${data.protocol}, ${
    count(data.sequences.length, "sequence")
  }, ${count(frames, "frame")}`;
  document.getElementById("policy").textContent = `Scored with ${data.policy}.`;
  if (data.notes.length) {
    document.getElementById("notes").append(
      element(
        "details",
        { open: data.notes.length <= 3 },
        element("summary", {}, count(data.notes.length, "note")),
        element("ul", {}, data.notes.map((note) => element("li", {}, note))),
      ),
    );
  }
  const explained = data.measures.map(({ title, meaning }) => `${title}: ${meaning}`).join(". ");
  section(
    "leaderboard",
    "Leaderboard",
    "Choose a tracker to follow it through the whole report.",
    leaderboard(),
    element("p", { class: "small" }, `${explained}. Intervals are 95 % bootstrap intervals over sequences.`),
  );
  curvesSection();
  attributesSection();
  speedSection();
  const screen = player();
  section(
    "sequences",
    "Sequences",
    "Choose a sequence to see it in the player.",
    ...sequenceTable((s) => screen.open(s)),
  );
  section(
    "player",
    "Player",
    "Arrow keys step, with Shift by ten; space plays; n and p go through the failures.",
    screen,
  );
  if (data.reference) {
    section(
      "reference",
      "Reference numbers",
      `Of the whole of ${data.dataset}: published by their source, or measured on public raw results.`,
      referenceTable(),
    );
  }
  document.querySelector("footer").textContent = `dslt ${data.version}`;
  watchPointing(document.querySelector("main"));
  markFocus();
}

start();
