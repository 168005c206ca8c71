// What the page holds of a sequence: regions and overlaps of every frame, and its images.

const ABSENT = -32768;
const NO_OVERLAP = 255;
const TRUTH = -1;

// Inflates a sequence's regions and overlaps; the layout is described in tracks.py.
async function unpack(sequence) {
  const packed = Uint8Array.from(atob(sequence.track), (character) => character.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const frames = sequence.frames;
  const total = frames * sequence.widths.reduce((a, b) => a + b, 0);
  const coordinates = new Float32Array(total);
  for (let i = 0, last = 0; i < total; i++) {
    if (i % frames === 0) last = 0;
    last = ((last + bytes[i] + 256 * bytes[total + i]) << 16) >> 16;
    coordinates[i] = last === ABSENT ? NaN : last / 2;
  }
  const overlaps = trackers.map((_, t) => {
    let last = 0;
    return Array.from(
      bytes.subarray(2 * total + t * frames, 2 * total + (t + 1) * frames),
      (step) => (last = (last + step) & 255),
    ).map((value) => (value === NO_OVERLAP ? null : value / 100));
  });
  const starts = sequence.widths.map((_, i) => sequence.widths.slice(0, i).reduce((a, b) => a + b, 0));
  // The corners of a region as [[x, y], ...], null where there is none. Ground truth is TRUTH.
  const corners = (t, frame) => {
    const width = sequence.widths[t + 1];
    const values = Array.from({ length: width }, (_, i) => coordinates[(starts[t + 1] + i) * frames + frame]);
    if (values.some(Number.isNaN)) return null;
    if (width === 8) return [0, 2, 4, 6].map((i) => values.slice(i, i + 2));
    const [x, y, w, h] = values;
    return [[x, y], [x + w, y], [x + w, y + h], [x, y + h]];
  };
  return { overlaps, corners };
}

function imageSource(images, frame) {
  if (!images) return null;
  if (images.names) return images.folder + images.names[frame];
  images.list ??= JSON.parse(document.getElementById(`frames-${images.embedded}`).textContent);
  return images.list[frame] && `data:image/jpeg;base64,${images.list[frame]}`;
}
