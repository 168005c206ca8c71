"""What the page asks and is told: JSON in, checked; JSON out."""

import math
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from dslt_jax import arguments, presets
from dslt_jax import boxes as boxes_lib
from dslt_jax.app.spec import Spec
from dslt_jax.backbones import NAMES
from dslt_jax.ui.book import Book, Box, Row
from dslt_jax.ui.clip import Clip, Live
from dslt_jax.ui.job import Job
from dslt_jax.weights import store

MOST_TARGETS = 16
MOST_ROWS = 2000  # in one answer


class RequestError(ValueError):
    """What is asked cannot be done; the text says why."""


class Tracking(NamedTuple):
    """Targets to follow."""

    spec: Spec
    frame: int
    boxes: dict[str, Box]


def tracking(asked: Mapping[str, Any], now: Spec, begun: Spec, size: tuple[int, int]) -> Tracking:
    """Returns what is to be followed.

    Args:
      asked: frame, a number; boxes, target -> [x, y, w, h]; preset; settings, "name=value ...".
      now: the tracker so far; begun: the one that the page was started with, whose weights file is
        for its preset alone; size: width and height of the frame.

    Raises:
      RequestError: something of it is not there, or a box is none that can be followed; ValueError:
        a setting is wrong.
    """
    preset, settings = _text(asked, "preset", now.preset), _text(asked, "settings", "")
    weights = begun.weights if preset == begun.preset else None
    spec = Spec(preset, tuple(settings.split()), weights, begun.seed)
    least = arguments.least_side(spec.tracker())
    found = asked.get("boxes")
    if not isinstance(found, dict) or not found:
        raise RequestError("there is no box in this frame: drag one around the target")
    if len(found) > MOST_TARGETS:
        raise RequestError(
            f"{len(found)} targets are too many: {MOST_TARGETS} are followed at once"
        )
    boxes = {_target(name): _box(name, box, size, least) for name, box in found.items()}
    ordered = {name: boxes[name] for name in sorted(boxes, key=int)}
    return Tracking(spec, frame_of(asked), ordered)


def frame_of(asked: Mapping[str, Any]) -> int:
    """Returns the frame that a request is of; raises RequestError."""
    return _number(asked, "frame")


def forgetting(asked: Mapping[str, Any]) -> tuple[int, str | None]:
    """Returns the frame from which on, and the target that is removed; None for all of them."""
    target = asked.get("target")
    return _number(asked, "frame"), None if target is None else _target(target)


def _number(asked: Mapping[str, Any], name: str) -> int:
    value = asked.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise RequestError(f"{name} must be a whole number from 0 on")
    return value


def _text(asked: Mapping[str, Any], name: str, default: str) -> str:
    value = asked.get(name, default)
    if not isinstance(value, str):
        raise RequestError(f"{name} must be text")
    return value


def _target(name: Any) -> str:
    if not isinstance(name, str) or not re.fullmatch(r"[1-9][0-9]{0,3}", name, re.ASCII):
        raise RequestError("a target is called by its number, from 1 on")
    return name


def _box(name: str, box: Any, size: tuple[int, int], least: float) -> Box:
    numbers = isinstance(box, list) and len(box) == 4
    if not numbers or not all(isinstance(v, (int, float)) and math.isfinite(v) for v in box):
        raise RequestError(f"the box of target {name} must be four numbers, x, y, w, h")
    x, y, w, h = boxes_lib.clip(box, *size).tolist()
    if w < least or h < least:
        raise RequestError(
            f"the box of target {name} has {max(w, 0):.0f} x {max(h, 0):.0f} pixels in the frame: "
            f"its sides must be {least:g} pixels or more"
        )
    return x, y, w, h


def choices(now: Spec, begun: Spec) -> dict[str, Any]:
    """Returns the trackers that can be had, and the one that is chosen; as of `tracking`."""
    trackers = []
    for name in presets.PRESETS:
        missing = [one for one in _networks(name) if not store.stored_path(one).is_file()]
        hint = f"dslt weights fetch {missing[0]}" if missing and name != begun.preset else ""
        trackers.append({"name": name, "hint": hint})
    return {"trackers": trackers, "preset": now.preset, "settings": " ".join(now.settings)}


def _networks(preset: str) -> list[str]:
    tracker = presets.by_name(preset)
    networks = arguments.networks_of(tracker)
    return [one.name for one in networks if one is not None and one.name in NAMES]


def of_input(number: int, key: str, name: str, clip: Clip | Live) -> dict[str, Any]:
    """Returns what the page is told of a video."""
    source = clip.source
    return {
        "number": number,
        "key": key,
        "name": name,
        "live": clip.live,
        "size": clip.size,
        "count": None if isinstance(clip, Live) else clip.count,
        "fps": source.fps,
        "notes": source.notes,
    }


def of_job(job: Job) -> dict[str, Any]:
    """Returns what the page is told of following."""
    return {
        "state": job.state,
        "text": job.text,
        "frame": job.frame,
        "fps": job.fps,
        "milliseconds": _milliseconds(job.seconds),
        "latency": _milliseconds(job.latency),
        "dropped": job.dropped,
        "preset": job.spec.preset,
        "targets": job.targets,
    }


def of_rows(book: Book | None, since: int) -> dict[str, Any]:
    """Returns the rows that have changed since then, not too many at once, and up to where."""
    if book is None:
        return {"rows": [], "rows_version": 0}
    rows, version = book.since(since, MOST_ROWS)
    return {"rows": [_row(row) for row in rows], "rows_version": version}


def _row(row: Row) -> dict[str, Any]:
    cells = {
        name: [*cell.box, round(cell.confidence, 4), int(cell.lost), int(cell.given)]
        for name, cell in row.cells.items()
    }
    return {"frame": row.frame, "time": row.time, "damaged": row.damaged, "cells": cells}


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(1e3 * seconds, 1)
