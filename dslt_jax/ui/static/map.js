// The response map of the chosen target over what the tracker looked at.

import { colorOf, heat } from "./colors.js";

export function clearMap(canvas) {
  canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
}

// `response` has side, values 0..255 and search_box; `view` the picture and how it is scaled.
export function drawMap(canvas, response, picture, scale, box, target) {
  const context = canvas.getContext("2d"), side = canvas.width;
  clearMap(canvas);
  if (!response.side) return;
  const [x, y, w, h] = response.search_box;
  context.fillStyle = "#000";
  context.fillRect(0, 0, side, side);
  context.filter = "grayscale(1) brightness(0.85)";
  context.drawImage(picture, x * scale, y * scale, w * scale, h * scale, 0, 0, side, side);
  context.filter = "none";
  context.imageSmoothingEnabled = true;
  context.drawImage(heated(response), 0, 0, side, side);
  if (!box) return;
  context.strokeStyle = colorOf(target);
  context.lineWidth = 2;
  context.strokeRect(((box[0] - x) / w) * side, ((box[1] - y) / h) * side, (box[2] / w) * side, (box[3] / h) * side);
}

function heated(response) {
  const small = new OffscreenCanvas(response.side, response.side), context = small.getContext("2d");
  const image = context.createImageData(response.side, response.side);
  response.values.forEach((value, i) => {
    const [red, green, blue] = heat(value);
    image.data.set([red, green, blue, 255 * (0.15 + 0.75 * Math.sqrt(value / 255))], 4 * i);
  });
  context.putImageData(image, 0, 0);
  return small;
}
