// This browser's camera: one picture at a time, the next when the last has arrived.

import { post, put } from "./api.js";

const WIDTH = 640;

export class Camera {
  // `failed(text)` where there is no camera or it ends.
  constructor(failed) {
    this.failed = failed;
    this.stream = null;
  }

  async start() {
    this.stop();
    if (!navigator.mediaDevices) {
      this.failed("the browser gives its camera to pages at localhost or https only: forward the port with ssh -L");
      return;
    }
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: WIDTH } } });
    } catch (error) {
      this.failed(`the browser's camera cannot be had: ${error.message}`);
      return;
    }
    this.stream = stream;
    const video = document.createElement("video");
    video.srcObject = stream;
    video.muted = true;
    await video.play();
    const opened = post("camera");
    this.send(video, stream, opened);
    await opened;
  }

  async send(video, stream, opened) {
    const canvas = document.createElement("canvas");
    canvas.width = Math.min(WIDTH, video.videoWidth);
    canvas.height = Math.round((canvas.width * video.videoHeight) / video.videoWidth);
    const context = canvas.getContext("2d");
    await Promise.race([opened.catch(() => {}), new Promise((resolve) => setTimeout(resolve, 300))]);
    while (this.stream === stream) {
      context.drawImage(video, 0, 0, canvas.width, canvas.height);
      const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.9));
      try {
        await put("picture", blob);
      } catch (error) {
        this.stop();
        this.failed(error.message);
      }
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  stop() {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
  }
}
