"""Downloads published weights: resumed, checked and put in the cache in the package's format."""

import contextlib
import http.client
import logging
import re
import time
import urllib.error
import urllib.request
from pathlib import Path

from tqdm import tqdm

from dslt_jax.media import download as download_lib
from dslt_jax.media.address import redact
from dslt_jax.weights import sources, store
from dslt_jax.weights.readers import WeightsError

_LOG = logging.getLogger(__name__)

_CHUNK = 1 << 20  # bytes
_RETRIED = (408, 425, 429, 500, 502, 503, 504)  # HTTP states that pass


class _Interrupted(Exception):
    """The transfer broke; another attempt may go on from there."""


def fetch(backbone: str, *, url: str | None = None, timeout: float = 30.0) -> Path:
    """Downloads, verifies, converts and stores a backbone's published weights.

    Args:
      backbone: a key of `sources.SOURCES`.
      url: a mirror; its file must be the published one, byte by byte.
      timeout: seconds without a byte after which a transfer counts as broken.

    Returns:
      The stored safetensors file. The download itself is removed.

    Raises:
      WeightsError: what failed and what to do. What has arrived is kept and resumed next time.
    """
    if backbone not in sources.SOURCES:
        raise WeightsError(
            f"there is nothing to fetch for '{backbone}': choose {' or '.join(sources.SOURCES)}"
        )
    source = sources.SOURCES[backbone]
    url = url or source.url
    original = store.cache_dir() / "downloads" / source.url.rsplit("/", 1)[-1]
    download(url, original, size=source.size, sha256=source.sha256, timeout=timeout)
    stored, note = store.install(original, backbone)
    if note:  # the file's own digest agrees, so it is our reading or our table that is wrong
        _LOG.warning("%s is the published file, yet %s: please report this", redact(url), note)
    original.unlink()
    return stored


def download(
    url: str,
    target: Path,
    *,
    size: int,
    sha256: str,
    timeout: float = 30.0,
    attempts: int = 5,
    pause: float = 1.0,
) -> None:
    """Downloads `url` to `target`, going on from `target`.part where an earlier run left it.

    Args:
      url: http or https address.
      size: bytes that the file must have.
      sha256: hexadecimal digest that it must have.
      timeout: seconds without a byte after which the transfer counts as broken.
      attempts: tries in a row that bring nothing new before it is given up.
      pause: seconds before the second try, doubled before each further one.

    Raises:
      WeightsError: nothing to download, no network, the wrong file, or no room to write it.
    """
    shown = redact(url)
    if not url.lower().startswith(("http://", "https://")):
        raise WeightsError(f"'{shown}' is no http or https address")
    partial = target.with_name(target.name + ".part")
    try:
        if target.exists() and sources.file_sha256(target) == sha256:
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.touch()
        if partial.stat().st_size > size:  # of some other file
            partial.write_bytes(b"")
        failures = 0
        while (have := partial.stat().st_size) < size:
            try:
                _continue(url, partial, have, size, timeout)
            except _Interrupted as error:
                failures = 0 if partial.stat().st_size > have else failures + 1
                if failures == attempts:
                    raise WeightsError(
                        f"{shown} cannot be downloaded: {error}. {partial.stat().st_size} of "
                        f"{size} bytes are kept and the next try goes on from there. Without a "
                        "network, bring the file and run `dslt weights import FILE`"
                    ) from None
                time.sleep(pause * 2 ** max(failures - 1, 0))
        digest = sources.file_sha256(partial)
        if have != size or digest != sha256:
            partial.unlink()
            raise WeightsError(
                f"{shown} gave another file than the published one: its sha256 is {digest}, not "
                f"{sha256}. It was deleted; try again, or another address with --url"
            )
        partial.replace(target)
    except OSError as error:
        raise WeightsError(f"{partial} cannot be written: {error.strerror}") from None


def _continue(url: str, partial: Path, have: int, size: int, timeout: float) -> None:
    """Appends to `partial` what one request brings; _Interrupted when that is not the rest."""
    request, shown = download_lib.request(url), redact(url)
    request.add_header("User-Agent", "dslt-jax")
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        with contextlib.closing(urllib.request.urlopen(request, timeout=timeout)) as response:
            if have and not _goes_on(response, have):
                have = 0  # a server without ranges: from the start
            announced = response.headers.get("Content-Length")
            if announced and announced.isdigit() and have + int(announced) != size:
                raise WeightsError(
                    f"{shown} offers a file of {have + int(announced)} bytes, the published one "
                    f"has {size}: give another address with --url"
                )
            bar = tqdm(
                total=size, initial=have, unit="B", unit_scale=True, desc=partial.stem, disable=None
            )
            with bar, partial.open("ab" if have else "wb") as file:
                while have < size and (chunk := _read(response, min(_CHUNK, size - have))):
                    file.write(chunk)
                    have += len(chunk)
                    bar.update(len(chunk))
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:  # the part on the disk is not of this file
            partial.write_bytes(b"")
        if error.code not in (*_RETRIED, 416):
            raise WeightsError(
                f"{shown} cannot be downloaded: the server says {error.code} {error.reason}. "
                "Give another address with --url"
            ) from None
        raise _Interrupted(f"the server says {error.code} {error.reason}") from None
    except urllib.error.URLError as error:
        raise _Interrupted(f"no connection ({error.reason})") from None
    except (http.client.HTTPException, TimeoutError, ConnectionError) as error:
        raise _broken(error) from None
    if have < size:
        raise _Interrupted("the transfer ended early")


def _read(response: http.client.HTTPResponse, count: int) -> bytes:
    try:
        return response.read(count)
    except http.client.IncompleteRead as error:
        return error.partial  # worth keeping; the next read ends the transfer
    except (http.client.HTTPException, OSError) as error:
        raise _broken(error) from None


def _broken(error: Exception) -> _Interrupted:
    return _Interrupted(f"the transfer broke ({str(error) or type(error).__name__})")


def _goes_on(response: http.client.HTTPResponse, have: int) -> bool:
    start = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return response.status == 206 and start is not None and int(start[1]) == have
