"""What the page may ask: what is read, what is done, what is sent."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dslt_jax.ui import pushed, requests
from dslt_jax.ui.desk import Desk
from dslt_jax.ui.inputs import InputError

if TYPE_CHECKING:
    from dslt_jax.ui.server import Handler

STATIC = Path(__file__).with_name("static")
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".csv": "text/csv; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".json": "application/json",
    ".mp4": "video/mp4",
    ".webp": "image/webp",
}
LONGEST = 20.0  # seconds that a request waits for news; proxies end those that take a minute

Route = Callable[["Handler", dict[str, str]], None]


def static(handler: "Handler", path: str) -> None:
    name = "index.html" if path == "/" else path.removeprefix("/")
    if name not in {file.name for file in STATIC.iterdir()}:
        return handler.refuse(404, "there is nothing at this address")
    file = STATIC / name
    handler.send(file.read_bytes(), TYPES.get(file.suffix, "application/octet-stream"))


def _state(handler: "Handler", query: dict[str, str]) -> None:
    number, since, version, wait = (
        _whole(query, name) or 0 for name in ("number", "since", "version", "wait")
    )
    handler.send_json(handler.server.desk.state(number, since, version, min(LONGEST, wait)))


def _choices(handler: "Handler", query: dict[str, str]) -> None:
    desk = handler.server.desk
    inputs = [{"key": one.key, "name": one.name} for one in desk.inputs.all()]
    handler.send_json(
        requests.choices(desk.spec, desk.begun)
        | {"inputs": inputs, "upload_mb": desk.inputs.most // 2**20}
    )


def _frame(handler: "Handler", query: dict[str, str]) -> None:
    number, picture, (width, height) = handler.server.desk.picture(_whole(query, "frame"))
    about = {"X-Frame": str(number), "X-Size": f"{width} {height}"}
    handler.send(picture, "image/jpeg", headers=about)


def _response(handler: "Handler", query: dict[str, str]) -> None:
    frame, target = _whole(query, "frame") or 0, query.get("target", "")
    handler.send_json(handler.server.desk.response(frame, target))


def _file(handler: "Handler", query: dict[str, str]) -> None:
    handler.send_file(handler.server.desk.file(query.get("name", "")))


def _upload(handler: "Handler", query: dict[str, str]) -> None:
    size = handler.headers.get("Content-Length", "")
    if not size.isdecimal():
        raise InputError("the upload does not say how long it is")
    name = Path(query.get("name", "")).name
    taken = handler.server.desk.inputs.take(name, handler.rfile, int(size))  # type: ignore[arg-type]
    handler.send_json({"key": taken.key, "name": taken.name})


def _picture(handler: "Handler", query: dict[str, str]) -> None:
    handler.server.desk.push(handler.read_body(pushed.MOST_BYTES))
    handler.send_json({})


def _whole(query: dict[str, str], name: str) -> int | None:
    text = query.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 16 else None


def _done(
    act: Callable[[Desk, dict[str, Any]], object],
) -> Route:
    """An action that is asked for by an object and answered by an empty one."""

    def route(handler: "Handler", query: dict[str, str]) -> None:
        act(handler.server.desk, handler.read_json())
        handler.send_json({})

    return route


ACTIONS = {
    "camera": _done(lambda desk, asked: desk.open_camera()),
    "open": _done(lambda desk, asked: desk.open(str(asked.get("key")))),
    "track": _done(lambda desk, asked: desk.track(asked)),
    "stop": _done(lambda desk, asked: desk.stop()),
    "forget": _done(lambda desk, asked: desk.forget(asked)),
    "draw": _done(lambda desk, asked: desk.draw()),
}
READ = {
    "state": _state,
    "choices": _choices,
    "frame": _frame,
    "response": _response,
    "file": _file,
}
SENT = {"upload": _upload, "picture": _picture}
