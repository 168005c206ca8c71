"""A file from a server that sends it only whole, as a temporary file."""

import base64
import http.client
import shutil
import tempfile
import urllib.parse
import urllib.request
from typing import IO

from dslt_jax.media import container
from dslt_jax.media.source import FramesError

_KEPT = "%/:=&?~#+!$,;'@()*[]"  # of an address, as it is


def request(address: str) -> urllib.request.Request:
    """Returns the request for an http or https address; its user:password@ becomes a header."""
    parts = urllib.parse.urlsplit(address)
    login, _, host = parts.netloc.rpartition("@")
    plain = parts._replace(netloc=host, fragment="").geturl()
    made = urllib.request.Request(urllib.parse.quote(plain, safe=_KEPT))
    if login:
        token = base64.b64encode(urllib.parse.unquote(login).encode()).decode()
        made.add_header("Authorization", f"Basic {token}")
    return made


def download(address: str, what: str) -> IO[bytes]:
    """Returns the file behind an http or https address, at its beginning; closing removes it.

    Raises:
      FramesError: it cannot be read to its end, or there is no room for it. The text does not hold
        the address.
    """
    file = tempfile.TemporaryFile()  # noqa: SIM115
    try:
        with urllib.request.urlopen(request(address), timeout=container.TIMEOUT) as response:
            shutil.copyfileobj(response, file)
            if response.length:  # what is still to come
                raise OSError(f"{response.length} bytes of it did not come")
    except (OSError, http.client.HTTPException, ValueError) as error:
        file.close()
        because = getattr(error, "strerror", None) or getattr(error, "reason", None)
        raise FramesError(
            f"{what} cannot be downloaded: {because or type(error).__name__}"
        ) from None
    file.seek(0)
    return file
