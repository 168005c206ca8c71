"""Bytes of text files: UTF-8, or UTF-16 as shells and editors on Windows write it."""

import codecs

_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def decode(data: bytes) -> str:
    """Returns a file's text, with line ends of \\n; raises UnicodeDecodeError where it is none."""
    text = data.decode("utf-16" if data.startswith(_UTF16) else "utf-8-sig")
    return text.replace("\r\n", "\n").replace("\r", "\n")
