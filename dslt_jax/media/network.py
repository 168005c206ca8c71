"""Videos by their address, through FFmpeg: files on a server, and live streams."""

import dataclasses
import errno
import socket
import urllib.parse
from collections.abc import Iterator
from typing import Any

from dslt_jax.media import container, live
from dslt_jax.media.address import redact
from dslt_jax.media.container import Video
from dslt_jax.media.decode import decode
from dslt_jax.media.download import download
from dslt_jax.media.source import FramesError, Picture, Source, interruptible
from dslt_jax.media.video import described

_OPTIONS = {  # of FFmpeg's protocols
    "http": {"reconnect": "1", "reconnect_delay_max": "5"},
    "https": {"reconnect": "1", "reconnect_delay_max": "5"},
    "rtsp": {"rtsp_flags": "prefer_tcp"},  # UDP loses packets, and many routers block it
}
_CAMERAS = ("rtsp", "rtsps", "rtmp", "rtmps")  # schemes of what has no end of its own
_MEANINGS = {  # of PyAV's errors, by their names
    "HTTPNotFoundError": "the server has nothing there (404 Not Found); check the address",
    "HTTPUnauthorizedError": (
        "the server asks for a user name and a password, or for others (401 Unauthorized); "
        "they stand before the host, user:password@host"
    ),
    "HTTPForbiddenError": "the server does not allow it (403 Forbidden)",
    "ConnectionRefusedError": "nothing answers there (connection refused); check host and port",
    "InvalidDataError": "what comes from there is no video that FFmpeg reads",
    "ProtocolNotFoundError": "this FFmpeg knows no addresses of this kind",
}


def open_address(text: str) -> Source:
    """Returns the frames of a video by its address: http, https, rtsp, rtmp, udp, tcp and so on.

    The source's name is the address without passwords and tokens. A live stream has no count.
    Where its connection breaks, a DamagedFrame stands for what was missed, and a new connection
    goes on.

    Args:
      text: the address, with user:password@ before the host where that is needed.

    Raises:
      FramesError: PyAV is missing, the server does not answer, or what it has is no video.
    """
    scheme, _, rest = text.partition("://")
    address, name = f"{scheme.lower()}://{rest}", redact(text)
    what = f"the video {name}"
    if not rest:
        raise FramesError(f"the address {name} ends before its host")

    def connect() -> Video:
        return _connect(address, what)

    # The first reading goes on with this connection: what is live would be missed by another.
    opened = [interruptible(connect)]
    endless = is_live(opened[0])

    def read() -> Iterator[Picture]:
        video = opened.pop() if opened else connect()
        if endless:
            camera = scheme.lower() in _CAMERAS or video.container.format.name == "mpjpeg"
            yield from live.follow(video, connect, ends=not camera)
        else:
            with video:
                yield from decode(video)

    return dataclasses.replace(described(name, read, opened[0]), live=endless)


def is_live(video: Video) -> bool:
    """Returns whether a video has neither a length nor, unless it is a playlist, a size."""
    playlist = video.container.format.name in ("hls", "dash")
    return not video.length and (playlist or video.container.size < 0)


def _connect(address: str, what: str) -> Video:
    """Opens an address; an MP4 that must be wound back, where the server cannot, is downloaded."""
    scheme = address.partition(":")[0]
    on_server = scheme in ("http", "https")

    def explain(error: Exception) -> str:
        return f"{what} cannot be opened: {_meaning(error, address)}"

    options: dict[str, Any] = {
        "timeout": container.TIMEOUT,
        "options": _OPTIONS.get(scheme, {}),
    }
    video = container.connect(address, what, explain, **options)
    cut = "the connection broke, or the file on the server is cut"
    video.when_cut = "the connection broke" if is_live(video) else cut
    unsized, wound_back = on_server and video.container.size < 0, on_server and video.is_mp4
    try:
        container.peek(video, explain)
    except FramesError:
        if not wound_back:
            raise
    else:
        if unsized:
            video.packets = _until_closed(video.packets)
        return video
    file = download(address, what)
    video = container.connect(file, what, explain, file.close)
    video.note = f"{what} has its index at its end and the server sends no parts: it was downloaded"
    return video


def _until_closed(packets: Iterator[Any]) -> Iterator[Any]:
    """Packets of a file of unknown size, whose end FFmpeg takes for an error."""
    try:
        yield from packets
    except OSError as error:
        if error.errno != errno.EIO:
            raise


def _meaning(error: Exception, address: str) -> str:
    """What an error says of an address, without the address."""
    if isinstance(error, OSError) and error.errno == errno.EIO:
        try:
            host = urllib.parse.urlsplit(address).hostname
            socket.getaddrinfo(host, None)
        except (OSError, ValueError):  # FFmpeg does not tell it from the others
            return f"there is no host '{redact(host or '')}'"
        return "the connection broke, or what comes from there is no video that FFmpeg reads"
    return _MEANINGS.get(type(error).__name__, container.reason(error))
