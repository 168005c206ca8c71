// What the line under the video says: [text, whether something is wrong], or null for what it said.

const HINT = "Drag a box around the target: all of it, and little else.";

export function words({ job, drawing, problem, input, warming }, before, drawn) {
  if (problem) return [problem, true];
  if (drawing?.text) return [drawing.text, true];
  if (drawing?.name) return drawing.name === drawn ? null : [`${drawing.name} is drawn.`];
  if (drawing) return [`Drawing frame ${drawing.done} of ${drawing.total}.`];
  if (job?.state === "preparing") return ["Learning the target. The first time takes a while: programs are compiled."];
  if (job?.state === "tracking") return [`Following with ${job.preset}.`];
  if (job) return job.state === before ? null : ending(job);
  return input ? [[...input.notes, HINT, warming ? "The tracker is being made ready." : ""].join(" ")] : null;
}

function ending(job) {
  if (job.state === "failed") return [job.text, true];
  if (job.text) return [job.text];
  const how = job.state === "stopped" ? "Stopped at" : "Done, up to";
  return [`${how} frame ${job.frame}. Where it went wrong, correct the box and track on from there.`];
}

export function clock(seconds) {
  const minutes = Math.floor(seconds / 60);
  return `${minutes}:${(seconds - 60 * minutes).toFixed(2).padStart(5, "0")}`;
}

// What is told of a video beside its name.
export function about({ size, fps }) {
  if (!size) return "";
  return `${size.join(" × ")}${fps ? `, ${Number(fps.toFixed(2))} frames a second` : ""}`;
}

// Names and texts of what is measured.
export function numbers(job, live, confidence) {
  const milliseconds = (value) => (value === null || value === undefined ? null : `${value.toFixed(0)} ms`);
  return [
    ["Confidence", confidence?.toFixed(2)],
    ["Frames a second", job?.fps?.toFixed(1)],
    ["Until the box", job && job.state !== "preparing" ? milliseconds(job.milliseconds) : null],
    ["Latency", milliseconds(job?.latency)],
    ["Dropped frames", job && live ? String(job.dropped) : null],
  ];
}
