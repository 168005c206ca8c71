"""A value in several words, of which the flag takes the first: what to write is said."""

import pytest

from dslt_jax.cli import main as cli

LIST = "a list is written with commas, --sequences A,B"


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("track --box 20,40,28,24 --set x=1 y=2", "'y=2' is left over behind --set x=1: every"),
        ("track --box 20,40,28,24 --set x=1 y=2 z=3", "--set x=1 --set y=2 --set z=3"),
        ("track --set rate 0.1 --box 1,2,3,4", "a setting is one word, --set rate=0.1"),
        ("track --set rate = 0.1 --box 1,2,3,4", "a setting is one word, --set rate=0.1"),
        ("track --box 1,2,3,4 --start 2 10", "'10' is left over behind --start 2: --start takes"),
        ("score here --sequences A B", LIST),
        ("score here --sequences=A, B", LIST),
        ("report --sequences A B here", LIST),
        ("score here --thresholds 21 101", "--thresholds takes one word, overlap thresholds"),
        ("data check --sequences A B", LIST),
        ("data --sequences A B check", LIST),
        ("benchmark --sequences A B", LIST),
        ("benchmark --set a=1 b=2", "--set a=1 --set b=2"),
        ("vot init --set a=1 b=2", "--set a=1 --set b=2"),
        ("convert here --to cvat --size 1920 1080", "--size takes one word, of a frame, WIDTHxHEI"),
        ("convert here --to mot --only a b", "a list is written with commas, --only a,b"),
    ],
)
def test_what_is_left_over_is_told_with_how_it_is_written(
    tmp_path, capsys, monkeypatch, words, text
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here").mkdir()
    assert cli.main(["dslt", *words.split()]) == 1
    assert text in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("score --sequences A here", "which benchmark?"),
        ("score --sequences A results/none", "the results folder results/none is missing"),
        ("score --dataset x none", "there is no dataset 'x'"),
        ("data --sequences A check", "which folder?"),
        ("track --set x=1 --box 20 40 28 24", "what is to be tracked?"),
        ("track --box 20,40,28,24 --max_frames 3 7", "'7' belongs to no flag"),
        ("ui --set lost=1 none.mp4", "there is no file"),
        ("convert --to mot --only a $HERE", "here has no run of"),
        ("convert --to mot --only car boxes.csv", "boxes.csv"),
    ],
)
def test_other_words_are_left_alone(tmp_path, capsys, monkeypatch, words, text):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HERE", "here")
    (tmp_path / "here").mkdir()
    assert cli.main(["dslt", *words.split(), *(["--preset=kcf"] if words[0] in "tu" else [])]) == 1
    assert text in capsys.readouterr().err
