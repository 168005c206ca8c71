// The boxes of every frame: those that the server knows, and over them those just dragged.

export class Boxes {
  constructor() {
    this.clear();
  }

  clear() {
    this.rows = new Map(); // frame -> {frame, time, cells: target -> [x, y, w, h, confidence, lost, given]}
    this.drafts = new Map(); // frame -> Map of target -> box, dragged and not followed yet
  }

  take(rows) {
    for (const row of rows) {
      if (Object.keys(row.cells).length) this.rows.set(row.frame, row);
      else this.rows.delete(row.frame);
    }
  }

  // {target, box, confidence, lost, draft} of a frame, by the targets' numbers.
  at(frame) {
    const found = new Map();
    for (const [target, cell] of Object.entries(this.rows.get(frame)?.cells ?? {})) {
      const [x, y, w, h, confidence, lost] = cell;
      found.set(target, { target, box: [x, y, w, h], confidence, lost: Boolean(lost), draft: false });
    }
    for (const [target, box] of this.drafts.get(frame) ?? []) {
      found.set(target, { target, box, confidence: 1, lost: false, draft: true });
    }
    return [...found.values()].sort((one, other) => one.target - other.target);
  }

  draw(frame, target, box) {
    if (!this.drafts.has(frame)) this.drafts.set(frame, new Map());
    this.drafts.get(frame).set(target, box);
  }

  undraw(frame, target) {
    this.drafts.get(frame)?.delete(target);
    if (!this.drafts.get(frame)?.size) this.drafts.delete(frame);
  }

  // A number that no target has.
  free(frame) {
    const used = [...this.rows.values()].flatMap(({ cells }) => Object.keys(cells));
    const drawn = this.at(frame).map(({ target }) => target);
    return String(highest([...used, ...drawn].map(Number)) + 1);
  }

  get furthest() {
    return highest(this.rows.keys());
  }
}

// The highest of so many numbers that they cannot be arguments of Math.max.
function highest(numbers) {
  let found = 0;
  for (const number of numbers) if (number > found) found = number;
  return found;
}
