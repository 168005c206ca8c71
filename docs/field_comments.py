"""Fields of our classes are documented by the comment behind them; the API pages show it."""

import ast
from typing import Any

import griffe


class FieldComments(griffe.Extension):
    """Makes `size: int = 16  # side in pixels` the documentation of `size`."""

    def on_class_members(self, *, cls: griffe.Class, **kwargs: Any) -> None:
        """Reads the comments of a class's own fields."""
        for member in cls.members.values():
            if isinstance(member, griffe.Attribute) and not member.docstring:
                line = cls.lines_collection[cls.filepath][(member.endlineno or 1) - 1]
                if comment := comment_of(line):
                    member.docstring = griffe.Docstring(comment, parent=member)


def comment_of(line: str) -> str:
    """Returns the comment at the end of a line of Python, "" without one."""
    for place, character in enumerate(line):
        if character == "#" and _is_code(line[:place]):
            comment = line[place + 1 :].strip()
            return "" if comment.startswith(("noqa", "type:")) else comment
    return ""


def _is_code(text: str) -> bool:
    """Whether a text is no string that goes on behind it."""
    try:
        ast.parse(text.strip())
    except SyntaxError:
        return False
    return True
