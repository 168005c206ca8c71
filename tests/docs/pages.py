"""The pages of the documentation and the blocks of code on them."""

import re
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]


def blocks(page, language):
    """Returns the blocks of a language on a page, in order."""
    found = re.findall(
        rf"^( *)```{language}\n(.*?)^\1```", page.read_text(encoding="utf-8"), re.S | re.M
    )
    return [textwrap.dedent(text) for _, text in found]


def name(page):
    return page.relative_to(ROOT).as_posix()
