"""The tables that the documentation makes from code and figures are whole and current."""

import csv
import re

import messages
import pages
import pytest
import site_hooks
import tables
from field_comments import comment_of

from dslt_jax import presets, settings

SCORES, PUBLISHED = tables.read("scores.csv"), tables.read("published.csv")


def test_every_mark_is_filled_in():
    asked = {
        mark
        for page in pages.PAGES
        for mark in site_hooks.MARK.findall(page.read_text(encoding="utf-8"))
    }
    assert asked == set(site_hooks.MADE)


def test_every_preset_has_a_line_and_all_its_settings():
    overview, sections = tables.all_presets(), tables.preset_settings()
    for name in presets.PRESETS:
        assert f"[`{name}`](#{name})" in overview
        section = re.search(rf"^## {name}$(.*?)(?=^## |\Z)", sections, re.S | re.M)[1]
        for setting in settings.names(presets.by_name(name)):
            assert f"| `{setting}` |" in section
    assert "shrinkage speed" in sections and "one of shrinkage, l1" in sections


def test_every_score_names_a_tracker_its_figures_and_their_source():
    assert {row["tracker"] for row in SCORES} <= set(presets.PRESETS)
    for row in SCORES + PUBLISHED:
        assert 0 < float(row["auc"]) < 1 and 0 < float(row["p20"]) < 1
        assert row.get("source") or row["paper"]
        if row["fps"]:
            assert float(row["fps"]) > 0 and (row.get("speed") or row["machine"])


def test_the_readme_has_no_other_figures():
    readme = (pages.ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (.+?) \| (0\.\d{3}) \| (0\.\d{3}) \|$", readme, re.M)
    ours = {row["tracker"]: (row["auc"], row["p20"]) for row in SCORES}
    theirs = {row["tracker"]: (row["auc"], row["p20"]) for row in PUBLISHED}
    compared = 0
    for name, *figures in rows:
        own = re.match(r"`(\w+)`", name)
        known = ours.get(own[1]) if own else theirs.get(name.split(",")[0])
        assert known == tuple(figures), name
        compared += 1
    assert compared >= 10


def test_commands_are_those_that_are_printed():
    text = tables.commands()
    assert "## dslt track" in text and "--box_format" in text and "Exit status" in text


def test_errors_say_what_to_do_or_have_a_cure():
    """All but a few, so that a new sentence is no broken build; a few are soon cured."""
    known, found = messages.cures(), messages.collect()
    bare = [message.text for message in found if messages.cure_of(message.text, known) is None]
    advice = "say in the sentence what to do, or add a line to docs/data/cures.csv"
    assert len(bare) <= len(found) // 30, f"{advice}: {bare}"


def test_every_cure_is_of_a_sentence_that_is_there():
    texts = [message.text for message in messages.collect()]
    assert len(texts) > 200
    assert not [part for part in messages.cures() if not any(part in text for text in texts)]


def test_errors_are_collected_and_shown():
    page = messages.errors()
    assert "| there is no preset '*name*': choose one of *presets* | As it says. |" in page
    assert "Leave out `--weights`." in page
    for row in page.splitlines():
        if row.startswith("| ") and not row.startswith(("| it says", "| ---")):
            assert len(re.findall(r"(?<!\\)\|", row)) == 3, row


@pytest.mark.parametrize(
    ("line", "comment"),
    [
        ("size: int = 16  # side in pixels", "side in pixels"),
        ('mark: str = "#"  # of a comment', "of a comment"),
        ("size: int = 16", ""),
        ("size: int = 16  # type: ignore", ""),
    ],
)
def test_fields_are_documented_by_their_comments(line, comment):
    assert comment_of(line) == comment


def test_cures_are_two_columns():
    with open(messages.CURES, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    assert all(len(row) == 2 and all(row) for row in rows)
