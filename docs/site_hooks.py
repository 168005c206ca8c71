"""MkDocs' hooks: puts the tables that are made from code and figures where a page asks for one.

A page asks with a line of its own, MARK: whoever reads the page as it is sees it there.
"""

import re
from typing import Any

import messages
import tables

MARK = re.compile(r"^\*Filled in by `make docs`: (\w+)\*$", re.M)
MADE = {
    "accuracy": tables.accuracy,
    "commands": tables.commands,
    "errors": messages.errors,
    "preset_settings": tables.preset_settings,
    "presets": tables.all_presets,
    "speed": tables.speed,
}


def on_page_markdown(markdown: str, **kwargs: Any) -> str:
    """Fills a page's tables in."""
    return MARK.sub(lambda match: MADE[match[1]](), markdown)
