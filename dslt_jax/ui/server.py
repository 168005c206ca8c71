"""The page's web server: Python's own, answering one browser in threads.

Plain requests alone: they come through the proxies of notebooks, where streams and sockets do not.
What is new is asked for by a request that waits for it.
"""

import errno
import hmac
import http.server
import ipaddress
import json
import secrets
import threading
import urllib.parse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dslt_jax.ui import routes
from dslt_jax.ui.desk import Desk
from dslt_jax.ui.job import ERRORS
from dslt_jax.ui.requests import RequestError

POLL = 0.1  # seconds between two looks whether to end
MOST_JSON = 2**20
PATIENCE = 60.0  # seconds for a connection on which nothing comes
POLICY = "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; object-src 'none'"


class Server(http.server.ThreadingHTTPServer):
    """Serves a desk.

    Whoever has the token, which is part of the page's address, may do what the page does; nobody
    else may, be it another user of this machine or another page in the same browser.

    Args:
      desk: what the page does.
      host, port: to listen at; port 0 takes a free one.
      names: by which browsers may call this machine, beside localhost and addresses in numbers;
        "*" is any, for a proxy that changes them.

    Raises:
      OSError: the port is in use, or there is no such host.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, desk: Desk, host: str, port: int, names: tuple[str, ...] = ()):
        self.desk, self.names = desk, {"localhost", *names}
        self.token, self.ended = secrets.token_urlsafe(24), False
        super().__init__((host, port), Handler)

    @property
    def address(self) -> str:
        """What to open in a browser."""
        host, port = self.server_address[:2]
        shown = "127.0.0.1" if host in ("0.0.0.0", "") else str(host)
        return f"http://{shown}:{port}/#{self.token}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away ends its own request alone."""

    def start(self) -> None:
        """Serves in a thread."""
        serve = threading.Thread(
            target=self.serve_forever, args=(POLL,), name="dslt-page-server", daemon=True
        )
        serve.start()

    def close(self) -> None:
        """Stops serving; what is done is kept."""
        self.ended = True  # connections that are open outlive the server
        self.shutdown()
        self.server_close()
        self.desk.close()
        self.desk.inputs.close()

    def allows(self, host: str) -> bool:
        """Returns whether a browser may call us so: another page's domain may lead here too."""
        name = urllib.parse.urlsplit(f"//{host}").hostname or ""
        if "*" in self.names or name in self.names:
            return True
        try:
            return bool(ipaddress.ip_address(name))
        except ValueError:
            return False


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    timeout = PATIENCE

    def do_GET(self) -> None:
        self._answer(routes.READ)

    def do_POST(self) -> None:
        self._answer(routes.ACTIONS)

    def do_PUT(self) -> None:
        self._answer(routes.SENT)

    def _answer(self, table: Mapping[str, routes.Route]) -> None:
        parts = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(parts.query))
        try:
            if self.server.ended:
                return self.refuse(503, "dslt ui has ended")
            if not self._is_ours():
                return self.refuse(403, "this page may not be called so: see dslt ui --help")
            if not parts.path.startswith("/api/"):
                return routes.static(self, parts.path)
            given = self.headers.get("X-Token") or query.get("token") or ""
            if not hmac.compare_digest(given.encode(), self.server.token.encode()):
                return self.refuse(403, "open the whole address that dslt ui has printed")
            if (route := table.get(parts.path.removeprefix("/api/"))) is None:
                return self.refuse(404, "there is nothing at this address")
            route(self, query)
        except (ConnectionError, TimeoutError):
            self.close_connection = True  # the browser has gone
        except OSError as error:
            full = error.errno == errno.ENOSPC
            reason = "the disk is full" if full else error.strerror or str(error)
            self.refuse(500, f"that did not work: {reason}")
        except ERRORS as error:
            self.refuse(400, str(error))
        except Exception as error:
            what = f"{type(error).__name__}: {error}"
            self.refuse(500, f"a fault of dslt_jax, please report it: {what}")

    def _is_ours(self) -> bool:
        """Whether the request comes from our page: a browser says from which page it comes."""
        host, origin = self.headers.get("Host", ""), self.headers.get("Origin")
        if not self.server.allows(host):
            return False
        return origin is None or "*" in self.server.names or origin.partition("://")[2] == host

    def refuse(self, status: int, text: str) -> None:
        """Answers with a sentence. What was sent is not read: the connection ends."""
        self.close_connection = True
        self.send(json.dumps({"error": text}).encode(), routes.TYPES[".json"], status)

    def send_json(self, content: Any) -> None:
        self.send(json.dumps(content).encode(), routes.TYPES[".json"])

    def send(
        self, body: bytes, kind: str, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        self._head(kind, len(body), status, headers or {})
        self.wfile.write(body)

    def send_file(self, path: Path) -> None:
        with open(path, "rb") as file:
            size = path.stat().st_size
            name = {"Content-Disposition": f'attachment; filename="{path.name}"'}
            self._head(routes.TYPES.get(path.suffix, "application/octet-stream"), size, 200, name)
            while part := file.read(2**20):
                self.wfile.write(part)

    def _head(self, kind: str, size: int, status: int, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        if self.close_connection:
            self.send_header("Connection", "close")
        fixed = {
            "Content-Type": kind,
            "Content-Length": str(size),
            "Cache-Control": "no-store",
            "Content-Security-Policy": POLICY,
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
        }
        for name, value in {**fixed, **headers}.items():
            self.send_header(name, value)
        self.end_headers()

    def read_json(self) -> dict[str, Any]:
        """Returns the object that was sent; raises RequestError where it is none."""
        try:
            content = json.loads(self.read_body(MOST_JSON) or b"{}")
        except (ValueError, RecursionError):
            raise RequestError("the request is not JSON") from None
        if not isinstance(content, dict):
            raise RequestError("the request is no JSON object")
        return content

    def read_body(self, most: int) -> bytes:
        """Returns what was sent; raises RequestError where it is too large."""
        size = self.headers.get("Content-Length", "")
        if not size.isdecimal() or int(size) > most:
            raise RequestError("the request has no length, or is too large")
        return self.rfile.read(int(size))

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing: the terminal shows the address."""
