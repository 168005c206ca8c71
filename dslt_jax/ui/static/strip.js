// Confidence over the frames: a line a target, red where it is lost, and marks where boxes were given.

import { colorOf, LOST } from "./colors.js";

export class Strip {
  constructor(canvas, seek) {
    this.canvas = canvas;
    this.rows = new Map();
    this.first = 0;
    this.last = 1;
    const go = (event) => event.buttons & 1 && seek(this.at(event.offsetX));
    canvas.addEventListener("pointerdown", go);
    canvas.addEventListener("pointermove", go);
    new ResizeObserver(() => this.draw()).observe(canvas);
  }

  show(rows, first, last, frame) {
    Object.assign(this, { rows, first, last: Math.max(last, first + 1), frame });
    this.pending ??= requestAnimationFrame(() => this.draw());
  }

  at(x) {
    return Math.round(this.first + (x / this.canvas.clientWidth) * (this.last - this.first));
  }

  draw() {
    this.pending = undefined;
    const { canvas } = this, ratio = window.devicePixelRatio || 1;
    const width = canvas.clientWidth, height = canvas.clientHeight;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const context = canvas.getContext("2d");
    context.scale(ratio, ratio);
    context.fillStyle = getComputedStyle(document.documentElement).getPropertyValue("--stage");
    context.fillRect(0, 0, width, height);
    const x = (frame) => ((frame - this.first) / (this.last - this.first)) * width;
    const step = Math.max(1, width / (this.last - this.first));
    for (const { frame, cells } of this.rows.values()) {
      if (frame < this.first) continue;
      for (const [target, [, , , , confidence, lost, given]] of Object.entries(cells)) {
        context.fillStyle = lost ? LOST : colorOf(target);
        if (lost) context.fillRect(x(frame), height - 4, step, 4);
        const y = (height - 6) * (1 - Math.min(confidence, 1)) + 2;
        context.fillRect(x(frame), y, step, 2);
        if (given) context.fillRect(x(frame), 0, 2, height);
      }
    }
    context.fillStyle = "#fff";
    context.fillRect(Math.min(x(this.frame ?? 0), width - 1), 0, 1, height);
  }
}
