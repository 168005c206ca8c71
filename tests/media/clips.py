"""Small videos, and a server that has them and misbehaves when asked to."""

import contextlib
import functools
import http.server
import threading
from fractions import Fraction
from pathlib import Path

import numpy as np

WIDTH, HEIGHT = 64, 48


def write_clip(path, count=10, milliseconds=None, size=(WIDTH, HEIGHT), noise=0, **options):
    """Writes a video of 25 frames a second whose every frame is 20 levels lighter than the last.

    With `milliseconds` the frames have those times. With noise in their left half they are larger.
    """
    import av

    draw = np.random.default_rng(0)
    codec, layout = options.pop("codec", "libx264"), options.pop("layout", "yuv420p")
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = *size, layout
        if milliseconds is not None:
            stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for number in range(count):
            image = np.full((size[1], size[0], 3), 20 * number, np.uint8)
            image[:, : size[0] // 2] += draw.integers(
                0, noise + 1, (size[1], size[0] // 2, 3), np.uint8
            )
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            if milliseconds is not None:
                frame.pts, frame.time_base = int(milliseconds[number]), Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def shades(frames):
    """The numbers of frames, as their pictures show them."""
    halves = (frame.image[:, frame.image.shape[1] // 2 + 4 :] for frame in frames)
    return [round(float(half.mean()) / 20) for half in halves]


def times(frames):
    return [frame.time for frame in frames]


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves files whole; /hang, /page, a status such as /403, and some files that break off."""

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        self.server.requests.append(self.headers)
        path = self.path.partition("?")[0]
        with contextlib.suppress(ConnectionError):
            if path == "/hang":
                self.server.over.wait(20)
            elif path == "/page":
                self.reply(b"<html>no video</html>" * 200)
            elif path[1:].isdecimal():
                self.send_error(int(path[1:]))
            elif path.startswith("/unsized/"):
                self.reply(self.file(path), sized=False)
            elif path.startswith("/stalls/"):
                self.reply(self.file(path), sent=0.5)
                self.server.over.wait(20)
            elif path.startswith("/cut/"):
                self.reply(self.file(path), sent=0.5)
            else:
                super().do_GET()

    def file(self, path):
        return Path(self.directory, path.rpartition("/")[2]).read_bytes()

    def reply(self, content, sized=True, sent=1.0):
        self.send_response(200)
        if sized:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: int(sent * len(content))])
        self.wfile.flush()


@contextlib.contextmanager
def serve(folder):
    """Yields a server of a folder: its `address`, and the headers of the `requests` to it."""
    handler = functools.partial(Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.requests, server.over = [], threading.Event()
        server.address = f"127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
            thread.join()
