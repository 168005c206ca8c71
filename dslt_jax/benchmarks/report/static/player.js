// A sequence frame by frame: every tracker's boxes, the ground truth, the overlap over time.

function player() {
  const visible = new Set([TRUTH, focus.tracker, ...order.slice(0, trackers.length > 5 ? 2 : 5)]);
  let [current, frame, track, playing, fps, timer, opening] = [0, 0, null, false, 25, null, 0];

  const picture = element("img", { alt: "", draggable: "false" });
  const boxes = svg("svg", { class: "boxes", preserveAspectRatio: "none", "aria-hidden": "true" });
  const missing = element("p", { class: "missing" });
  const stage = element(
    "div",
    {
      class: "stage",
      tabindex: 0,
      role: "group",
      "aria-label":
        "Player: left and right arrows step, space plays, n and p go to the next and previous failure",
    },
    picture,
    boxes,
    missing,
  );
  const slider = element("input", {
    type: "range",
    min: 0,
    value: 0,
    "aria-label": "Frame",
    oninput: () => seek(Number(slider.value)),
  });
  const where = element("output", { class: "where" });
  const play = element("button", { type: "button", onclick: () => setPlaying(!playing) }, "Play");
  const select = element("select", {
    "aria-label": "Sequence",
    onchange: () => open(Number(select.value), 0),
  });
  const chips = element("div", { class: "chips", role: "group", "aria-label": "Boxes shown" });
  const list = element("ol", { class: "failures" });
  const listTitle = element("h3", {});
  const worstBy = data.supervised ? "failures" : data.main;

  const strip = chart((width) => {
    const [height, top] = [76, 6];
    const sequence = data.sequences[current];
    const x = (i) => (i / Math.max(1, sequence.frames - 1)) * width;
    const y = (v) => top + (1 - v) * (height - top - 4);
    const drawing = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height });
    for (const value of [0, 0.5, 1]) {
      drawing.append(svg("line", { class: "grid", x1: 0, x2: width, y1: y(value), y2: y(value) }));
    }
    drawing.append(svg("text", { class: "tick", x: 4, y: height - 8 }, "overlap"));
    for (const [t, s, first, many] of data.failures) {
      if (t === focus.tracker && s === current) {
        drawing.append(
          svg("rect", {
            class: "lost",
            x: x(first),
            width: Math.max(2, x(first + many - 1) - x(first)),
            y: 0,
            height,
          }),
        );
      }
    }
    for (const t of visible) {
      if (t !== TRUTH && track) {
        drawing.append(
          trackerLine(t, path(track.overlaps[t].map((v, i) => [x(i), v === null ? null : y(v)]))),
        );
      }
    }
    const cursor = svg("line", { class: "cursor", y1: 0, y2: height });
    strip.move = () => {
      for (const end of ["x1", "x2"]) cursor.setAttribute(end, x(frame));
    };
    strip.move();
    drawing.append(cursor);
    return drawing;
  }, "Overlap of each frame; the slider below goes to a frame");
  strip.classList.add("strip");
  const scrub = (event) => {
    if (event.type === "pointermove" && !event.buttons) return;
    const { left, width } = strip.getBoundingClientRect();
    seek(Math.round((event.clientX - left) / width * (data.sequences[current].frames - 1)));
  };
  strip.addEventListener("pointerdown", scrub);
  strip.addEventListener("pointermove", scrub);

  function draw() {
    const sequence = data.sequences[current];
    const source = imageSource(sequence.images, frame);
    if (source) picture.src = source;
    else picture.removeAttribute("src");
    stage.classList.toggle("empty", !source);
    missing.textContent = source
      ? ""
      : sequence.images
      ? "This image cannot be read."
      : "The images are not here: name the benchmark's folder with --root.";
    if (source && frame + 1 < sequence.frames && sequence.images.names) {
      new Image().src = imageSource(sequence.images, frame + 1);
    }
    const shapes = [];
    for (const t of [TRUTH, ...order.filter((t) => t !== focus.tracker).reverse(), focus.tracker]) {
      const corners = visible.has(t) && track ? track.corners(t, frame) : null;
      if (!corners) continue;
      const points = corners.map((point) => point.join(",")).join(" ");
      shapes.push(
        svg("polygon", { class: "halo", points }),
        svg(
          "polygon",
          t === TRUTH
            ? { class: "truth", points }
            : { class: "box", points, "data-t": t, stroke: trackers[t].color },
        ),
      );
    }
    boxes.replaceChildren(...shapes);
    const number = sequence.start > 1 ? `, image ${sequence.start + frame}` : "";
    where.textContent = `Frame ${frame + 1} of ${sequence.frames}${number}`;
    picture.alt = `${sequence.name}, frame ${frame + 1}`;
    slider.value = frame;
    for (const chip of chips.children) {
      const t = Number(chip.dataset.t);
      const overlap = t === TRUTH ? null : track?.overlaps[t][frame];
      if (t !== TRUTH) {
        chip.querySelector(".value").textContent = overlap === null || overlap === undefined
          ? "–"
          : overlap.toFixed(2);
      }
    }
    strip.move?.();
    markFocus();
  }

  function seek(next) {
    frame = Math.min(Math.max(next, 0), data.sequences[current].frames - 1);
    draw();
  }

  async function open(s, first) {
    const sequence = data.sequences[s];
    setPlaying(false);
    const mine = ++opening;
    [current, frame, track] = [s, first, null];
    const loaded = await unpack(sequence);
    if (mine !== opening) return;
    track = loaded;
    stage.style.aspectRatio = sequence.size.join("/");
    stage.style.setProperty("--ratio", sequence.size[0] / sequence.size[1]);
    boxes.setAttribute("viewBox", `0 0 ${sequence.size.join(" ")}`);
    slider.max = sequence.frames - 1;
    select.value = s;
    draw();
    strip.redraw();
    markFailure();
  }

  function setPlaying(next) {
    if (next && frame >= data.sequences[current].frames - 1) frame = 0;
    playing = next;
    play.textContent = playing ? "Pause" : "Play";
    clearTimeout(timer);
    if (playing) step();
  }

  // The next frame waits for its image, so that none is skipped.
  async function step() {
    const began = performance.now();
    seek(frame + 1);
    if (frame >= data.sequences[current].frames - 1) return setPlaying(false);
    if (picture.src) await picture.decode().catch(() => null);
    if (playing) timer = setTimeout(step, Math.max(0, 1000 / fps - (performance.now() - began)));
  }

  function failures() {
    return data.failures.filter(([t]) => t === focus.tracker);
  }

  function jump(direction) {
    const mine = failures();
    const at = mine.findIndex(([, s, first, many]) =>
      s === current && frame >= first && frame < first + many
    );
    const next = mine[at < 0 ? 0 : (at + direction + mine.length) % mine.length];
    if (next) open(next[1], next[2]);
  }

  function markFailure() {
    for (const button of list.querySelectorAll("button")) {
      button.setAttribute(
        "aria-current",
        button.dataset.s === String(current) && button.dataset.first === String(frame),
      );
    }
  }

  function listFailures(all = false) {
    const mine = failures();
    const { name, sequences } = trackers[focus.tracker];
    listTitle.textContent = `${name}: ${count(mine.length, "failure")}`;
    const rows = mine.slice(0, all ? mine.length : 40).map(([, s, first, many]) => {
      const { name: title, frames } = data.sequences[s];
      const fate = data.supervised
        ? "reset"
        : first + many >= frames
        ? `${count(many, "frame")}, to the end`
        : count(many, "frame");
      return element(
        "li",
        {},
        element(
          "button",
          {
            type: "button",
            "data-s": s,
            "data-first": first,
            onclick: () => {
              open(s, first);
              stage.focus({ preventScroll: true });
            },
          },
          element("b", {}, title),
          ` from ${first + 1}`,
          element("small", {}, fate),
        ),
      );
    });
    if (rows.length < mine.length) {
      rows.push(
        element(
          "li",
          {},
          element(
            "button",
            { type: "button", class: "more", onclick: () => listFailures(true) },
            `Show all ${mine.length}`,
          ),
        ),
      );
    }
    list.replaceChildren(...rows);
    const worst = ranked(sequences[worstBy], !measures[worstBy].higher);
    select.replaceChildren(
      ...worst.map((s) =>
        element("option", { value: s }, `${data.sequences[s].name}  ${score(worstBy, sequences[worstBy][s])}`)
      ),
    );
    select.value = current;
    markFailure();
  }

  function chip(t) {
    const button = element(
      "button",
      {
        type: "button",
        class: "chip",
        "data-t": t,
        onclick: () => {
          if (!visible.delete(t)) visible.add(t);
          button.setAttribute("aria-checked", String(visible.has(t)));
          draw();
          strip.redraw();
        },
        role: "checkbox",
        "aria-checked": String(visible.has(t)),
      },
      t === TRUTH ? element("span", { class: "swatch truthmark" }) : swatch(t),
      element("span", {}, t === TRUTH ? "Ground truth" : trackers[t].name),
      t === TRUTH ? null : element("span", { class: "value" }),
    );
    return button;
  }
  chips.append(...[TRUTH, ...order].map(chip));

  picture.addEventListener("error", () => {
    if (!picture.hasAttribute("src")) return;
    stage.classList.add("empty");
    missing.textContent = `The image ${decodeURIComponent(picture.getAttribute("src"))} is not there.`;
  });
  focus.listeners.push((t) => {
    visible.add(t);
    chips.querySelector(`[data-t="${t}"]`).setAttribute("aria-checked", true);
    listFailures();
    draw();
    strip.redraw();
  });

  const turn = (by, text, label) =>
    element(
      "button",
      { type: "button", "aria-label": label, title: label, onclick: () => seek(frame + by) },
      text,
    );
  const controls = element(
    "div",
    { class: "controls" },
    element("label", { class: "choice" }, element("span", {}, "Sequence, worst first"), select),
    element("div", { class: "buttons" }, turn(-1, "‹", "Previous frame"), play, turn(1, "›", "Next frame")),
    choice("Speed", [["5", "5 fps"], ["10", "10 fps"], ["25", "25 fps"], ["50", "50 fps"]], (value) => {
      fps = Number(value);
    }, "25"),
    where,
  );
  const side = element(
    "aside",
    { "aria-label": "Failures" },
    listTitle,
    element(
      "p",
      { class: "reading" },
      data.supervised
        ? "Frames without any overlap, after which the tracker was started again."
        : `${data.lost.frames} or more frames in a row with an overlap under ${data.lost.under}, the longest first.`,
    ),
    list,
  );
  const holder = element(
    "div",
    { class: "player" },
    element("div", { class: "view" }, controls, stage, strip, slider, chips),
    side,
  );
  const steps = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
  holder.addEventListener("keydown", (event) => {
    const tag = event.target.tagName;
    if (event.ctrlKey || event.metaKey || event.altKey || tag === "SELECT") return;
    if (event.key in steps) {
      const by = steps[event.key] * (event.shiftKey ? 10 : 1);
      seek(Number.isFinite(by) ? frame + by : by < 0 ? 0 : Infinity);
    } else if (event.key === " " && tag !== "BUTTON") setPlaying(!playing);
    else if (event.key === "n" || event.key === "p") jump(event.key === "n" ? 1 : -1);
    else return;
    event.preventDefault();
  });
  listFailures();
  const [worst] = failures();
  open(worst ? worst[1] : 0, worst ? worst[2] : 0);
  holder.open = (s) => {
    const failure = failures().find(([, sequence]) => sequence === s);
    open(s, failure ? failure[2] : 0);
    holder.closest("section").scrollIntoView();
    stage.focus({ preventScroll: true });
  };
  return holder;
}
