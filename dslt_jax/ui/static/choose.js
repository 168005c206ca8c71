// Which video: from the list, from a file, by a drop, or this browser's camera.

import { get, post, upload } from "./api.js";
import { Camera } from "./camera.js";
import { showChoices } from "./panel.js";

const $ = (id) => document.getElementById(id);

export class Chooser {
  constructor(say) {
    this.say = say;
    this.camera = new Camera((text) => say(text, true));
    $("inputs").addEventListener("change", () => $("inputs").value && this.open($("inputs").value));
    $("upload").addEventListener("click", () => $("file").click());
    $("file").addEventListener("change", () => this.send($("file").files[0]));
    $("camera").addEventListener("click", () => this.camera.start().catch((error) => say(error.message, true)));
    for (const name of ["dragover", "dragleave", "drop"]) {
      $("room").addEventListener(name, (event) => {
        event.preventDefault();
        $("room").classList.toggle("over", name === "dragover");
        if (name === "drop") this.send(event.dataTransfer.files[0]);
      });
    }
    this.list().catch((error) => say(error.message, true));
  }

  // What is open now: not always what was chosen in this window.
  opened(key) {
    this.key = key;
    $("inputs").value = key;
  }

  async list() {
    const known = await get("choices");
    const first = { key: "", name: known.inputs.length ? "choose" : "none yet" };
    showChoices($("inputs"), [first, ...known.inputs], this.key ?? "");
    this.most = known.upload_mb;
    if ($("tracker").options.length) return;
    showChoices($("tracker"), known.trackers.map(({ name, hint }) => ({ key: name, name, hint })), known.preset);
    $("settings").value = known.settings;
  }

  async open(key) {
    this.camera.stop();
    this.say("Opening.");
    await post("open", { key }).catch((error) => this.say(error.message, true));
  }

  async send(file) {
    if (!file) return;
    if (file.size > this.most * 2 ** 20) {
      this.say(`${file.name} is too large: uploads may have ${this.most} MB, see --upload_mb. Or name it at the start.`, true);
      return;
    }
    try {
      const { key } = await upload(file, (share) => this.say(`Uploading ${file.name}: ${Math.round(100 * share)} %`));
      await this.list();
      $("inputs").value = key;
      await this.open(key);
    } catch (error) {
      this.say(error.message, true);
    }
  }
}
