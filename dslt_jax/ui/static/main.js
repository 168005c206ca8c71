// The page: what is known of the video, what is shown of it, and what is asked of the server.

import { get, post, Refused } from "./api.js";
import { Boxes } from "./boxes.js";
import { Chooser } from "./choose.js";
import { Frames } from "./frames.js";
import { keys } from "./keys.js";
import { clearMap, drawMap } from "./map.js";
import { showFiles, showNumbers, showTargets } from "./panel.js";
import { Player } from "./player.js";
import { Strip } from "./strip.js";
import { View } from "./view.js";
import { about, clock, numbers, words } from "./words.js";

const $ = (id) => document.getElementById(id);
const NONE = { number: 0, live: false, size: null, count: 0, fps: null };
const WINDOW = 600; // frames of a camera in the strip
const ROWS = 2000; // in one answer: as many means that there are more

const news = { version: -1, rows_version: 0, input: NONE, job: null, warming: false, drawing: null };
const boxes = new Boxes();
const shown = { frame: 0, picture: null, size: null }; // a video may have frames of several sizes
let selected = null, adding = false, following = true, goal = 0; // the goal may be shown only later

const frames = new Frames(arrived, (error) => news.input.live || say(error.message, true));
const strip = new Strip($("strip"), seek);
const view = new View($("view"), $("room"), { dragged, chosen: choose, began });
const player = new Player(seek, refresh);

// --- what is shown ---

function say(text, bad = false) {
  $("message").textContent = text;
  $("message").classList.toggle("bad", bad);
}

const running = () => ["preparing", "tracking"].includes(news.job?.state);

function lastFrame() {
  return news.input.count ? news.input.count - 1 : Math.max(shown.frame, boxes.furthest) + 50;
}

function seek(frame, follow = false) {
  if (!news.input.size || news.input.live) return;
  following = follow;
  goal = Math.min(Math.max(frame, 0), lastFrame());
  $("seek").value = goal;
  frames.show(goal);
}

function arrived(number, picture, size) {
  // A camera's frame on which a box is dragged stands still, whatever was on its way.
  if (news.input.live && (view.hold || boxes.drafts.has(shown.frame))) return;
  Object.assign(shown, { frame: number, picture, size });
  if (frames.wish === undefined) goal = number;
  refresh();
  showResponse();
}

function refresh() {
  const { input, job, drawing } = news, open = Boolean(input.size), here = boxes.at(shown.frame);
  const drawingNow = Boolean(drawing && !drawing.name && !drawing.text);
  if (!here.some(({ target }) => target === selected)) selected = here[0]?.target ?? null;
  view.show(open ? shown.picture : null, shown.size ?? input.size, here, selected);
  $("empty").hidden = open;
  $("transport").hidden = !open;
  $("seek").max = lastFrame();
  $("seek").value = goal;
  $("seek").hidden = input.live;
  for (const id of ["back", "play", "forth"]) $(id).disabled = input.live;
  const time = boxes.rows.get(shown.frame)?.time ?? (input.fps && !input.live ? shown.frame / input.fps : null);
  const total = input.count ? ` of ${input.count - 1}` : "";
  $("where").textContent = `frame ${shown.frame}${total}${time === null ? "" : `\n${clock(time)}`}`;
  const newest = input.live ? Math.max(shown.frame, boxes.furthest) : lastFrame();
  strip.show(boxes.rows, input.live ? Math.max(0, newest - WINDOW) : 0, newest, shown.frame);
  showTargets($("targets"), here, selected, { choose, remove });
  showNumbers($("numbers"), numbers(job, input.live, here.find(({ target }) => target === selected)?.confidence));
  showFiles($("files"), news.files ?? []);
  $("kept").textContent = news.files?.length ? `Also in ${news.folder}` : "";
  $("track").disabled = !here.length || (running() && !boxes.drafts.has(shown.frame));
  $("stop").disabled = !running() && !drawingNow;
  $("add").disabled = !here.length;
  $("add").setAttribute("aria-pressed", adding);
  $("forget").disabled = running() || !boxes.rows.size;
  $("draw").hidden = input.live;
  $("draw").disabled = running() || !boxes.rows.size || drawingNow;
  $("play").textContent = player.playing ? "❚❚" : "▶";
  document.body.dataset.state = job?.state ?? "idle"; // for tests
}

let responseOf = "";
async function showResponse() {
  const { frame, picture } = shown, target = selected, wish = `${news.input.number} ${frame} ${target}`;
  responseOf = wish;
  const box = boxes.at(frame).find((one) => one.target === target);
  if (!box || box.draft) return clearMap($("map"));
  const response = await get("response", { frame, target }).catch(() => ({ side: 0 }));
  if (responseOf === wish) drawMap($("map"), response, picture, view.pictureScale, box.box, target);
}

// --- what the server says ---

async function listen() {
  for (;;) {
    try {
      const { input, rows_version: since, version } = news;
      take(await get("state", { number: input.number, since, version: Math.max(version, 0), wait: version < 0 ? 0 : 20 }));
    } catch (error) {
      say(error instanceof Refused ? error.message : "dslt ui does not answer: is it still running?", true);
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}

function take(answer) {
  const before = news.job?.state, input = answer.input ?? NONE, drawn = news.drawing?.name;
  if (input.number !== news.input.number) forgetAll(input);
  Object.assign(news, answer, { input });
  if (answer.rows.length === ROWS) news.version = -1;
  boxes.take(answer.rows);
  const ended = before !== undefined && before !== news.job?.state;
  if (following && !view.hold && news.job && (running() || ended) && news.job.state !== "preparing") frames.show(news.job.frame);
  else if (answer.rows.some(({ frame }) => frame === shown.frame)) showResponse();
  const told = words(answer, before, drawn);
  if (told) say(...told);
  refresh();
}

function forgetAll(input) {
  boxes.clear();
  Object.assign(shown, { frame: 0, picture: null, size: null });
  Object.assign(news, { rows_version: 0, job: null, drawing: null, input });
  [selected, adding, following] = [null, false, true];
  frames.reset(input.live);
  $("about").textContent = about(input);
  chooser.opened(input.key ?? "");
  if (input.size) frames.show(input.live ? null : 0);
}

// A camera's newest frame, until one is frozen to drag a box on it.
setInterval(() => {
  if (news.input.live && !running() && !boxes.drafts.size && !view.hold) frames.show(null);
}, 60);

// --- what the user does ---

async function ask(path, body) {
  try {
    await post(path, body);
    return true;
  } catch (error) {
    say(error.message, true);
    return false;
  }
}

// Who drags beside all boxes draws the chosen one anew, unless another is wanted.
function dragged(target, box) {
  selected = target ?? (adding || !selected ? boxes.free(shown.frame) : selected);
  boxes.draw(shown.frame, selected, box);
  following = false;
  adding = false;
  refresh();
  return selected;
}

// A press on the frame: the video stands still. Returns whether a new target is drawn.
function began() {
  player.stop();
  return adding;
}

function choose(target) {
  selected = target;
  refresh();
  showResponse();
}

async function remove(target) {
  boxes.undraw(shown.frame, target);
  if (boxes.rows.get(shown.frame)?.cells[target]) await ask("forget", { frame: shown.frame, target });
  refresh();
}

async function track() {
  if ($("track").disabled) return;
  const frame = shown.frame, targets = Object.fromEntries(boxes.at(frame).map(({ target, box }) => [target, box]));
  player.stop();
  if (await ask("track", { frame, boxes: targets, preset: $("tracker").value, settings: $("settings").value })) {
    if (news.input.live) boxes.drafts.clear();
    boxes.drafts.delete(frame);
    following = true;
  }
}

// Escape: first what was drawn goes, then what is running.
function cancel() {
  const drawn = boxes.drafts.delete(shown.frame);
  if (!drawn && !adding && !$("stop").disabled) ask("stop");
  adding = false;
  following = running();
  refresh();
  showResponse();
}

function add() {
  if (!$("add").disabled) adding = !adding;
  refresh();
}

function play() {
  if (news.input.live || !news.input.size) return;
  if (player.playing) player.stop();
  else player.start(shown.frame >= lastFrame() ? 0 : shown.frame, lastFrame(), news.input.fps ?? 25);
}

function step(count) {
  player.stop();
  seek(goal + count);
}

const turn = (sign) => (event) => step(event.shiftKey ? 10 * sign : sign);
keys({
  " ": play, ArrowLeft: turn(-1), ArrowRight: turn(1), Home: () => seek(0), End: () => seek(lastFrame()),
  Enter: track, Escape: cancel, n: add, Delete: () => selected && remove(selected),
});
const clicks = {
  play, track, add, stop: () => ask("stop"), draw: () => ask("draw"), back: () => step(-1), forth: () => step(1),
  forget: () => ask("forget", { frame: shown.frame }),
};
for (const [id, act] of Object.entries(clicks)) $(id).addEventListener("click", act);
$("seek").addEventListener("input", () => { player.stop(); seek(Number($("seek").value)); });
refresh();
const chooser = new Chooser(say);
listen();
