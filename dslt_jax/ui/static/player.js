// Plays the frames at their rate; where pictures come too slowly, some are left out.

export class Player {
  // `seek(frame)` shows a frame, `changed()` is told of beginning and end.
  constructor(seek, changed) {
    Object.assign(this, { seek, changed, timer: null });
  }

  get playing() {
    return this.timer !== null;
  }

  start(first, last, rate) {
    const begin = performance.now();
    this.timer = setInterval(() => {
      const frame = first + Math.floor(((performance.now() - begin) * rate) / 1000);
      this.seek(frame);
      if (frame >= last) this.stop();
    }, 1000 / rate);
    this.changed();
  }

  stop() {
    if (!this.playing) return;
    clearInterval(this.timer);
    this.timer = null;
    this.changed();
  }
}
