// The frame with its boxes, and the boxes that are dragged on it.

import { colorOf, INK, LOST } from "./colors.js";

const GRIP = 10; // pixels of the screen around a corner that take hold of it
const LEAST = 3; // pixels of the frame; what is smaller was a click
const MOST_ZOOM = 4;

export class View {
  // `dragged(target or null, box)` is called while a box is dragged: null is a new one; `chosen(target)`.
  constructor(canvas, room, { dragged, chosen, began }) {
    Object.assign(this, { canvas, room, dragged, chosen, began });
    this.size = null; // of the frame, in its pixels
    this.picture = null;
    this.boxes = []; // {target, box, confidence, lost, given, draft}
    this.selected = null;
    this.hold = null; // what is being dragged
    canvas.addEventListener("pointerdown", (event) => this.press(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => this.release());
    new ResizeObserver(() => this.draw()).observe(room);
  }

  show(picture, size, boxes, selected) {
    Object.assign(this, { picture, size, boxes, selected });
    this.draw();
  }

  get zoom() {
    const [width, height] = this.size;
    return Math.min(this.room.clientWidth / width, this.room.clientHeight / height, MOST_ZOOM);
  }

  // How many pixels of the picture a pixel of the frame has: large frames come smaller.
  get pictureScale() {
    return this.picture.width / this.size[0];
  }

  draw() {
    const { canvas } = this;
    canvas.hidden = !this.picture;
    if (!this.picture) return;
    const ratio = window.devicePixelRatio || 1, zoom = this.zoom;
    const [width, height] = this.size.map((side) => Math.round(side * zoom));
    Object.assign(canvas.style, { width: `${width}px`, height: `${height}px` });
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    const context = canvas.getContext("2d");
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.drawImage(this.picture, 0, 0, width, height);
    for (const one of this.boxes) this.drawBox(context, one, zoom);
  }

  drawBox(context, { target, box, confidence, lost, draft }, zoom) {
    const [x, y, w, h] = box.map((value) => value * zoom);
    const color = lost && !draft ? LOST : colorOf(target);
    context.setLineDash(lost && !draft ? [8, 6] : []);
    context.strokeStyle = INK;
    context.lineWidth = 4;
    context.strokeRect(x, y, w, h);
    context.strokeStyle = color;
    context.lineWidth = 2;
    context.strokeRect(x, y, w, h);
    context.setLineDash([]);
    this.drawLabel(context, draft ? `${target}` : `${target}  ${confidence.toFixed(2)}${lost ? " lost" : ""}`, x, y, color);
    if (target !== this.selected) return;
    context.fillStyle = color;
    for (const [cx, cy] of corners([x, y, w, h])) {
      context.fillRect(cx - 4, cy - 4, 8, 8);
      context.strokeStyle = INK;
      context.lineWidth = 1;
      context.strokeRect(cx - 4, cy - 4, 8, 8);
    }
  }

  drawLabel(context, text, x, y, color) {
    context.font = "600 13px system-ui, sans-serif";
    const width = context.measureText(text).width + 10;
    const left = Math.max(0, Math.min(x, this.canvas.clientWidth - width)), top = Math.max(0, y - 24);
    context.fillStyle = INK;
    context.fillRect(left, top, width, 19);
    context.fillStyle = color;
    context.fillText(text, left + 5, top + 14);
  }

  place(event) {
    const bounds = this.canvas.getBoundingClientRect();
    const limit = (value, most) => Math.min(Math.max(value, 0), most);
    return [
      limit((event.clientX - bounds.left) / this.zoom, this.size[0]),
      limit((event.clientY - bounds.top) / this.zoom, this.size[1]),
    ];
  }

  // What lies under the pointer: a corner of the chosen box, the inside of a box, or nothing.
  under([px, py]) {
    const near = GRIP / this.zoom, ordered = [...this.boxes].sort((one) => (one.target === this.selected ? -1 : 1));
    for (const { target, box } of ordered) {
      if (target === this.selected) {
        const corner = corners(box).findIndex(([x, y]) => Math.hypot(x - px, y - py) <= near);
        if (corner >= 0) return { target, box, corner };
      }
      const [x, y, w, h] = box;
      if (px >= x && py >= y && px <= x + w && py <= y + h) return { target, box };
    }
    return null;
  }

  press(event) {
    if (!this.picture || event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    const start = this.place(event), found = this.began() ? null : this.under(start);
    if (!found) {
      this.hold = { start, fixed: start, target: null };
    } else if (found.corner === undefined) {
      this.hold = { start, box: found.box, target: found.target };
    } else {
      this.hold = { start, fixed: corners(found.box)[(found.corner + 2) % 4], target: found.target };
    }
    if (found) this.chosen(found.target);
  }

  move(event) {
    if (!this.picture) return;
    const now = this.place(event);
    if (!this.hold) {
      const found = this.under(now);
      this.canvas.style.cursor = !found ? "crosshair" : found.corner === undefined ? "move" : found.corner % 2 ? "nesw-resize" : "nwse-resize";
      return;
    }
    const { start, fixed, box, target } = this.hold;
    const moved = Math.abs(now[0] - start[0]) + Math.abs(now[1] - start[1]) > 0;
    if (!moved) return;
    const next = fixed ? between(fixed, now) : [
      Math.min(Math.max(box[0] + now[0] - start[0], 0), Math.max(0, this.size[0] - box[2])),
      Math.min(Math.max(box[1] + now[1] - start[1], 0), Math.max(0, this.size[1] - box[3])), box[2], box[3],
    ];
    if (fixed && (next[2] < LEAST || next[3] < LEAST)) return;
    this.hold.target = this.dragged(target, next);
  }

  release() {
    this.hold = null;
  }
}

// Clockwise from the top left.
function corners([x, y, w, h]) {
  return [[x, y], [x + w, y], [x + w, y + h], [x, y + h]];
}

function between([ax, ay], [bx, by]) {
  return [Math.min(ax, bx), Math.min(ay, by), Math.abs(bx - ax), Math.abs(by - ay)];
}
