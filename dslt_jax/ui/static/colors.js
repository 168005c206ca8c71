// The colours of targets and of response maps, as in the overlay video.

const TARGETS = [
  "rgb(57 255 120)", "rgb(60 190 255)", "rgb(255 200 40)", "rgb(255 110 220)",
  "rgb(170 140 255)", "rgb(255 140 70)", "rgb(60 240 220)", "rgb(210 240 70)",
];
export const LOST = "rgb(255 64 64)";
export const INK = "rgb(12 14 18)";
const HEAT = [
  [0, 0, 4], [40, 11, 84], [101, 21, 110], [159, 42, 99], [212, 72, 66], [245, 125, 21], [250, 193, 39], [252, 255, 164],
];

export function colorOf(target) {
  return TARGETS[(Number(target) - 1) % TARGETS.length];
}

// Red, green, blue of a value from 0 to 255.
export function heat(value) {
  const place = (value / 255) * (HEAT.length - 1);
  const low = Math.min(Math.floor(place), HEAT.length - 2);
  return HEAT[low].map((part, i) => part + (place - low) * (HEAT[low + 1][i] - part));
}
