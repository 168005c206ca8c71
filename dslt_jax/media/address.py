"""Addresses of videos: what they are, and how they may be shown, without passwords and tokens."""

import os
import re
import urllib.parse

from dslt_jax.media.source import FramesError


def is_address(text: str) -> bool:
    """Returns whether a text is an address, e.g. "rtsp://camera/1", and not a path."""
    return re.match(r"[a-z][a-z0-9+.-]*://", text, re.I) is not None


def hint(text: str) -> str:
    """Returns what to write instead of a text that is nearly an address; "" of any other."""
    if re.match(r"(pipe|fd):", text, re.I):
        return "standard input is -"
    if re.match(r"file:", text, re.I):
        return "a file is given by its path alone, or by file:///folder/clip.mp4"
    schemes = r"(https?|rtsps?|rtmps?|udp|tcp)(:|//)"
    host = r"(www\.|[\w-]+(\.[\w-]+)+(:\d+)?/|localhost[:/])"
    if re.match(f"{schemes}|{host}", text, re.I):
        return "if it is an address, it begins with http://, https://, rtsp:// or another scheme://"
    return ""


def looks_secret(text: str) -> bool:
    """Returns whether a text that is no address looks like one with a password or a token."""
    return re.search(r":.*@|\?.*=", text) is not None


def redact(text: str) -> str:
    """Returns an address without what may be secret in it.

    Left out are what stands before the host, what follows ?, # or ;, and parts of the path with a
    =, as cameras have them: of "rtsp://me:pw@host/user=me&password=pw/1?t=2" remains
    "rtsp://host/.../1?...".
    """
    found = re.match(r"[a-z][a-z0-9+.-]*:/+", text, re.I)
    scheme = found[0] if found else ""
    rest = _after_login(text[len(scheme) :])
    shown = re.split(r"[?#;]", rest, maxsplit=1)[0]
    path = "/".join("..." if "=" in part else part for part in shown.split("/"))
    return scheme + path + ("?..." if len(shown) < len(rest) else "")


def _after_login(rest: str) -> str:
    """What follows user:password@, where the password may hold /, ?, # and @ as they are."""
    head = re.split(r"[/?#]", rest, maxsplit=1)[0]
    port = head.rpartition("]")[2].partition(":")[2]
    if "@" not in head and (not port or port.isdecimal()):
        return rest
    end, query = rest.rfind("@"), len(re.split(r"[?#]", rest, maxsplit=1)[0])
    if "=" in rest[query:end]:  # that @ belongs to a token
        end = rest.rfind("@", 0, query)
    return rest[end + 1 :]


def file_path(text: str) -> str | None:
    """Returns the path in a file:// address, None of anything else.

    Raises:
      FramesError: it names another computer.
    """
    if not text.lower().startswith("file://"):
        return None
    host, slash, path = text[len("file://") :].partition("/")
    if host.lower() not in ("", "localhost"):
        raise FramesError(
            f"{text} names a file on the computer '{host}': a file here is file:///folder/clip.mp4"
        )
    return os.path.normpath(urllib.parse.unquote(slash + path))
