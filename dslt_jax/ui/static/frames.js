// Pictures of frames: fetched one at a time, the latest wish first, and kept for a while.

import { frame as fetchFrame } from "./api.js";

const KEPT = 40;

export class Frames {
  // `arrived(number, picture, size)` when a picture that is wished for is there; `failed(error)`.
  constructor(arrived, failed) {
    Object.assign(this, { arrived, failed });
    this.reset(true);
  }

  // Another video: what was kept is of the one before.
  reset(live) {
    this.live = live;
    this.kept = new Map();
    this.wish = undefined;
    this.epoch = (this.epoch ?? 0) + 1;
  }

  // `number` null is the newest frame of a camera.
  show(number) {
    this.wish = number;
    this.work ??= this.fetch().finally(() => (this.work = undefined));
    return this.work;
  }

  async fetch() {
    while (this.wish !== undefined) {
      const { wish, epoch } = this;
      this.wish = undefined;
      try {
        const found = this.kept.get(wish) ?? (await fetchFrame(wish));
        if (epoch !== this.epoch) continue;
        if (!this.live) this.keep(wish, found);
        this.arrived(found.number, found.picture, found.size);
      } catch (error) {
        if (epoch === this.epoch) this.failed(error);
      }
    }
  }

  keep(number, found) {
    this.kept.delete(number);
    this.kept.set(number, found);
    if (this.kept.size > KEPT) this.kept.delete(this.kept.keys().next().value);
  }
}
