"""One training sample: a template crop and search crops of the same target.

From a still all crops are of one image and the motion is ours: shift, scale, aspect, rotation,
blur, light, JPEG. From a clip they are of frames some way apart. An object, cut out from several
sides, turns in front of a still. A target may have been a few pixels large before it was enlarged.
Into any of them comes what a video has too: another object beside the target, cut from the same or
another image, and now and then one in front of it. What is called the target is not always what is
marked, but at times a part of it or more loosely cut: users do that too, and the network has to go
by the template. Crops are framed as the tracker frames them, the target TARGET pixels wide.
"""

import io
from typing import NamedTuple

import numpy as np
import train_sources
from PIL import Image, ImageDraw, ImageFilter

from dslt_jax.media.images import read_image

TARGET = 52.0  # pixels, sqrt(w * h) of the target in a crop: about the preset's region.target
CLIP_SHARE, THING_SHARE = 0.3, 0.1  # of the samples
SMALL_SHARE = 0.25  # of the samples, whose target had SMALL pixels before it was enlarged
SMALL = (6.0, 30.0)
LARGEST_GAP = 40  # frames between template and search crop


class Sample(NamedTuple):
    """Crop 0 is the template; a batch has a leading axis."""

    patches: np.ndarray  # (N, S, S, 3) uint8
    boxes: np.ndarray  # (N, 4) float32 x, y, w, h in pixels of the crop
    visible: np.ndarray  # (N,) float32, share of the box that nothing of ours covers


class View(NamedTuple):
    """How an image is seen in a crop."""

    place: np.ndarray  # (2,) where the target's centre lies in the crop
    zoom: np.ndarray  # (2,) crop pixels for an image pixel, x and y
    angle: float  # radians
    flip: bool


def make_sample(sources: train_sources.Sources, rng: np.random.Generator, *, size, tests) -> Sample:
    """Draws a sample; the same generator state gives the same sample.

    Raises:
      ImageError: one of the images that it takes cannot be read.
    """
    kind, wildness = rng.random(), 1.0
    if sources.clips and (not sources.stills or kind < CLIP_SHARE):
        images, boxes = _from_clip(_draw_clip(sources.clips, rng), rng, tests)
        wildness = 0.5
    elif sources.things and sources.stills and kind < CLIP_SHARE + THING_SHARE:
        thing = sources.things[rng.integers(len(sources.things))]
        still = sources.stills[rng.integers(len(sources.stills))]
        images, boxes = _from_thing(thing, still, rng, tests)
    else:
        images, boxes = _from_still(sources.stills[rng.integers(len(sources.stills))], rng, tests)
    backdrop, marked = _draw(sources, rng, images[0])
    nothing = np.zeros((0, 4))
    same = rng.random() < 0.5
    distractor = _cut_out(images[0], nothing, rng) if same else _cut_out(backdrop, marked, rng)
    occluder = _cut_out(backdrop, marked, rng)
    crowded, flip = rng.random() < 0.5, bool(rng.random() < 0.5)
    bordered = rng.random() < 0.6
    resolution = rng.uniform(*SMALL) / TARGET if rng.random() < SMALL_SHARE else None
    crops = []
    for i, (image, box) in enumerate(zip(images, boxes, strict=True)):
        view = _view(box, rng, size, wildness if i else 0.0, flip)
        patch, seen = _look(image, box, view, size, None if bordered else backdrop)
        if crowded:
            patch = _paste_beside(patch, seen, distractor, rng)
        visible = 1.0
        if i and rng.random() < 0.2:
            patch, visible = _paste_over(patch, seen, occluder, rng)
        if resolution is not None:
            patch = _coarsen(patch, resolution * np.exp(rng.uniform(-0.7, 0.7)))
        crops.append((_photograph(patch, rng, 1.0 if i else 0.3), seen, visible))
    patches, seen, visible = zip(*crops, strict=True)
    return Sample(np.stack(patches), np.float32(seen), np.float32(visible))


def _from_still(still: train_sources.Still, rng, tests: int):
    image = Image.fromarray(read_image(still.file))
    if len(still.boxes):
        box = still.boxes[rng.integers(len(still.boxes))]
    else:  # any region is a target
        extent = min(image.size) * rng.uniform(0.15, 0.5) * np.exp(rng.normal(0, 0.25, 2))
        extent = np.minimum(extent, np.array(image.size) * 0.8)
        box = np.concatenate([rng.uniform(0, np.array(image.size) - extent), extent])
    boxes = _redraw(np.repeat(box[None], 1 + tests, axis=0), rng, parts=len(still.boxes) > 0)
    return [image] * (1 + tests), boxes


def _from_thing(thing: train_sources.Thing, still: train_sources.Still, rng, tests: int):
    """The object in front of the still, seen from one side and from others a turn away."""
    image = Image.fromarray(read_image(still.file))
    first = rng.integers(len(thing.views))
    sides = [first, *(first + rng.integers(-2, 3, tests)) % len(thing.views)]
    height = min(image.size) * rng.uniform(0.15, 0.45)
    place = np.array(image.size) * rng.uniform(0.25, 0.75, 2)
    images, boxes = [], []
    for side in sides:
        picture, mask = (Image.open(path) for path in thing.views[side])
        cut = picture.convert("RGB")
        cut.putalpha(mask.convert("L"))
        box = np.array(mask.convert("L").point(lambda level: 255 * (level > 127)).getbbox(), float)
        scale = height / np.sqrt((box[2] - box[0]) * (box[3] - box[1]))
        extent = np.maximum(np.array(cut.size) * scale, 2)
        images.append(_paste(image, cut, place, extent))
        corner = np.round(place - extent / 2) + box[:2] * scale
        boxes.append([*corner, *((box[2:] - box[:2]) * scale)])
    return images, np.array(boxes)


def _draw_clip(clips, rng) -> train_sources.Clip:
    """Any of the clips, each frame of them as likely as any other."""
    lengths = np.array([len(clip.frames) for clip in clips], float)
    return clips[rng.choice(len(clips), p=lengths / lengths.sum())]


def _from_clip(clip: train_sources.Clip, rng, tests: int):
    shown = np.flatnonzero(np.isfinite(clip.boxes).all(axis=1))
    if not len(shown):
        raise ValueError(f"the clip {clip.name} has no box at all")
    first = shown[rng.integers(len(shown))]
    near = shown[np.abs(shown - first) <= LARGEST_GAP]
    chosen = [first, *rng.choice(near, tests)]
    boxes = _redraw(clip.boxes[chosen], rng, parts=False)
    return [Image.fromarray(read_image(clip.frames[i])) for i in chosen], boxes


def _redraw(boxes: np.ndarray, rng, *, parts: bool) -> np.ndarray:
    """Boxes (N, 4) drawn a little differently, all in the same way, or around a part of them."""
    draw, scale, shift = rng.random(), np.ones(2), np.zeros(2)
    extent = np.sqrt(boxes[0, 2] * boxes[0, 3])
    if parts and draw < 0.3 and extent > 40:
        scale = rng.uniform(0.4, 0.9, 2)
        if draw < 0.1:  # a strip of it, such as a leg or a roof
            scale[rng.integers(2)] = rng.uniform(0.2, 0.4)
        shift = rng.uniform(-0.5, 0.5, 2) * (1 - scale)
    elif draw < 0.7:
        scale = np.exp(np.clip(0.12 * rng.normal(size=2), -0.25, 0.25))
        shift = np.clip(0.05 * rng.normal(size=2), -0.1, 0.1)
    center = boxes[:, :2] + boxes[:, 2:] * (0.5 + shift)
    return np.concatenate([center - boxes[:, 2:] * scale / 2, boxes[:, 2:] * scale], axis=1)


def _draw(sources: train_sources.Sources, rng, fallback: Image.Image):
    """Any still and its boxes, to take a background or an object from."""
    if not sources.stills:
        return fallback, np.zeros((0, 4))
    still = sources.stills[rng.integers(len(sources.stills))]
    return Image.fromarray(read_image(still.file)), still.boxes


def _cut_out(image: Image.Image, boxes: np.ndarray, rng) -> Image.Image:
    """A marked object, or a rectangle of 15 to 60 % of the image's sides; at times an ellipse."""
    if len(boxes) and rng.random() < 0.6:
        corner, extent = np.split(boxes[rng.integers(len(boxes))], 2)
    else:
        extent = np.array(image.size) * rng.uniform(0.15, 0.6, 2)
        corner = rng.uniform(0, np.array(image.size) - extent)
    thing = image.crop(tuple(map(int, (*corner, *(corner + np.maximum(extent, 2))))))
    mask = Image.new("L", thing.size, 255)
    if rng.random() < 0.5:
        mask = Image.new("L", thing.size, 0)
        ImageDraw.Draw(mask).ellipse((0, 0, *thing.size), fill=255)
    thing.putalpha(mask)
    return thing


def _view(box, rng, size: int, wildness: float, flip: bool) -> View:
    """The tracker's framing of the first frame at wildness 0; of a later frame above."""
    rare = rng.random() < 0.25
    shift = wildness * (1.4 if rare else 0.5) * TARGET * 0.7 * rng.normal(size=2)
    limit = size / 2 - 0.5 * TARGET
    grow = np.clip(wildness * (0.28 if rare else 0.12) * rng.normal(), -0.5, 0.5)
    aspect = np.clip(wildness * (0.22 if rare else 0.08) * rng.normal(), -0.5, 0.5)
    angle = wildness * np.deg2rad((24 if rare else 7) * rng.normal())
    zoom = TARGET / np.sqrt(box[2] * box[3]) * np.exp([grow + aspect, grow - aspect])
    return View(size / 2 + np.clip(shift, -limit, limit), zoom, float(angle), flip)


def _look(image: Image.Image, box, view: View, size: int, backdrop: Image.Image | None):
    """Returns the crop, and the box (4,) in it: of a turned box, that around its inner ellipse.

    Beyond the image its border is repeated, or there is the backdrop.
    """
    center, zoom = box[:2] + box[2:] / 2, view.zoom
    shrink = max(1, int(1 / zoom.max()))
    if shrink > 1:
        image = image.reduce(shrink)
        center, zoom = center / shrink, zoom * shrink
        box = box / shrink
    cos, sin = np.cos(view.angle), np.sin(view.angle)
    inverse = np.array([[cos, sin], [-sin, cos]]) @ np.diag([-1.0 if view.flip else 1.0, 1.0])
    inverse = inverse / zoom[None, :]
    inside = None
    if backdrop is None:
        reach = int(np.ceil(1.5 * size / zoom.min()))
        pad = [max(0, int(np.ceil(reach - c))) for c in (*center, *(image.size - center))]
        pad = [min(p, reach) for p in pad]
        array = np.pad(np.asarray(image), ((pad[1], pad[3]), (pad[0], pad[2]), (0, 0)), "edge")
        image, center = Image.fromarray(array), center + np.array(pad[:2])
    else:
        inside = Image.new("L", image.size, 255)
    offset = center - inverse @ view.place
    matrix = (*inverse[0], offset[0], *inverse[1], offset[1])

    def transform(source):
        method = Image.Transform.AFFINE
        return source.transform((size, size), method, matrix, Image.Resampling.BILINEAR)

    patch = transform(image)
    if inside is not None:
        patch = Image.composite(patch, backdrop.resize((size, size)), transform(inside))
    half = box[2:] / 2
    turned = np.hypot([half[0] * cos, half[0] * sin], [half[1] * sin, half[1] * cos]) * view.zoom
    if shrink > 1:
        turned = turned * shrink
    return patch, np.concatenate([view.place - turned, 2 * turned])


def _paste_beside(patch, box, thing: Image.Image, rng) -> Image.Image:
    """The thing as large as the target, in any direction off it."""
    scale = np.sqrt(box[2] * box[3] / (thing.size[0] * thing.size[1])) * rng.uniform(0.6, 1.3)
    extent = np.maximum(np.array(thing.size) * scale, 2)
    angle = rng.uniform(0, 2 * np.pi)
    away = 0.5 * (box[2:] + extent) + rng.uniform(0, 0.5) * box[2:]
    direction = np.array([np.cos(angle), np.sin(angle)])
    # Outside the box along the axis that matters more.
    center = box[:2] + box[2:] / 2 + away * direction / np.abs(direction).max()
    return _paste(patch, thing, center, extent)


def _paste_over(patch, box, thing: Image.Image, rng) -> tuple[Image.Image, float]:
    """The thing in front of a part of the target, and the share of the box left."""
    extent = np.maximum(box[2:] * rng.uniform(0.3, 1.0, 2), 2)
    center = box[:2] + box[2:] * rng.uniform(0, 1, 2)
    low = np.maximum(box[:2], center - extent / 2)
    high = np.minimum(box[:2] + box[2:], center + extent / 2)
    covered = np.prod(np.clip(high - low, 0, None)) / np.prod(box[2:])
    return _paste(patch, thing, center, extent), float(1 - covered)


def _paste(patch, thing, center, extent) -> Image.Image:
    thing = thing.resize(tuple(round(v) for v in extent))
    patch = patch.copy()
    patch.paste(thing, tuple(round(v) for v in center - extent / 2), thing)
    return patch


def _coarsen(patch: Image.Image, share: float) -> Image.Image:
    """The patch as if it had been seen at a share of its resolution."""
    if share >= 1:
        return patch
    small = patch.resize([max(8, round(share * side)) for side in patch.size], Image.Resampling.BOX)
    return small.resize(patch.size, Image.Resampling.BILINEAR)


def _photograph(patch: Image.Image, rng, strength: float) -> np.ndarray:
    """Blur, light, colour, noise and compression of one exposure."""
    if rng.random() < 0.3 * strength:
        patch = patch.filter(ImageFilter.GaussianBlur(rng.uniform(0.3, 1.8)))
    x = np.asarray(patch, np.float32)
    if rng.random() < 0.25 * strength:  # motion blur: the mean of shifted copies
        step = rng.uniform(-2.5, 2.5, 2)
        shifts = [np.rint(step * k).astype(int) for k in (-1, 0, 1)]
        x = sum(np.roll(x, tuple(s), (0, 1)) for s in shifts) / 3
    if rng.random() < 0.1 * strength:
        x = np.broadcast_to(x.mean(axis=-1, keepdims=True), x.shape)
    gain = 1 + strength * (0.18 * rng.normal() + 0.05 * rng.normal(size=3))
    x = (x - 128) * np.float32(1 + 0.15 * strength * rng.normal()) + 128
    x = x * np.float32(gain) + np.float32(strength * 12 * rng.normal())
    if rng.random() < 0.2 * strength:
        x = x + rng.normal(0, rng.uniform(2, 8), x.shape).astype(np.float32)
    x = np.clip(x, 0, 255).astype(np.uint8)
    if rng.random() < 0.3 * strength:
        packed = io.BytesIO()
        Image.fromarray(x).save(packed, "JPEG", quality=int(rng.integers(20, 80)))
        x = np.asarray(Image.open(packed))
    return x
