"""A frame in a web page, such as a notebook's, on which a box is dragged."""

import base64
import io
from string import Template

from PIL import Image as PillowImage

from dslt_jax.media.source import Image

SHOWN = 640  # CSS pixels of the longer side; a page that is narrower shows it smaller
SENT = 1280  # pixels of the longer side that the page gets

# Where the box goes: to Python under the page's name in Colab, and into the text field of class
# `<name>-text` where the page has one, as that of a widget.
_PAGE = Template("""
<div id="$name" style="position:relative; display:inline-block; width:${shown}px; max-width:100%;
    cursor:crosshair; touch-action:none; user-select:none">
  <img src="$data" alt="the frame" draggable="false"
      style="display:block; width:100%; max-width:none; margin:0">
  <div style="position:absolute; box-sizing:border-box; border:2px solid #39ff78; display:none;
      outline:1px solid #0c0e12; pointer-events:none"></div>
</div>
<div><output id="$name-told"></output></div>
<script>
(() => {
  const root = document.getElementById("$name"), mark = root.querySelector("div");
  const told = document.getElementById("$name-told"), width = $width, height = $height;
  const inside = (value, most) => Math.min(Math.max(value, 0), most);
  const text = (box) => box.map((value) => +value.toFixed(1)).join(",");
  let start = null;

  const place = (event) => {
    const area = root.getBoundingClientRect();
    return [
      inside((event.clientX - area.left) / area.width * width, width),
      inside((event.clientY - area.top) / area.height * height, height),
    ];
  };
  const between = ([a, b], [c, d]) =>
    [Math.min(a, c), Math.min(b, d), Math.abs(a - c), Math.abs(b - d)];
  const draw = (box) => {
    const parts = [box[0] / width, box[1] / height, box[2] / width, box[3] / height];
    ["left", "top", "width", "height"].forEach((side, i) => {
      mark.style[side] = 100 * parts[i] + "%";
    });
    mark.style.display = "block";
    told.textContent = "box " + text(box);
  };
  const hand = (box) => {
    const colab = globalThis.google?.colab?.kernel;
    const field = document.querySelector(".$name-text input");
    if (field) {
      field.value = text(box);
      for (const kind of ["input", "change"]) {
        field.dispatchEvent(new Event(kind, {bubbles: true}));
      }
    }
    if (colab) colab.invokeFunction("$name", [text(box)], {});
    if (!field && !colab) {
      told.textContent = "This page cannot hand the box to Python: type choice.box = '"
        + text(box) + "' in the next cell.";
    }
  };
  root.addEventListener("pointerdown", (event) => {
    start = place(event);
    root.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  root.addEventListener("pointermove", (event) => {
    if (start) draw(between(start, place(event)));
  });
  root.addEventListener("pointerup", (event) => {
    const box = start && between(start, place(event));
    start = null;
    if (box && box[2] >= 1 && box[3] >= 1) hand(box);
  });
  document.addEventListener("input", (event) => {  // typed
    const box = event.target.value?.split(",").map(Number) ?? [];
    const ours = event.target.closest?.(".$name-text");
    if (ours && box.length == 4 && box.every(Number.isFinite)) draw(box);
  });
  if ($box) draw($box);
})();
</script>
""")


def box_page(image: Image, name: str, box: tuple[float, float, float, float] | None = None) -> str:
    """Returns the HTML of a frame on which a box can be dragged, by mouse, pen or finger.

    The box is handed on as text, "x,y,w,h" in frame pixels with one decimal: to the function that
    was registered under `name` in Colab, and into the text field of class `<name>-text`.

    Args:
      image: (H, W, 3) uint8 RGB.
      name: of letters, digits and -, unlike any other on the page.
      box: x, y, w, h in frame pixels, drawn at the start.
    """
    height, width = image.shape[:2]
    picture = PillowImage.fromarray(image)
    picture.thumbnail((SENT, SENT))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=90)
    return _PAGE.substitute(
        name=name,
        data="data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode(),
        shown=round(SHOWN * width / max(width, height)),
        width=width,
        height=height,
        box="null" if box is None else [round(float(value), 1) for value in box],
    )
