"""`dslt vot init`: an entry in trackers.ini, and nothing else of it touched."""

import builtins
import configparser

import pytest

from dslt_jax.adapters import targets
from dslt_jax.cli.main import main


@pytest.fixture(autouse=True)
def made(monkeypatch):
    """The specs that were compiled."""
    specs = []
    monkeypatch.setattr(targets, "Targets", specs.append)
    return specs


def init(folder, *more, preset="mosse"):
    flags = [f"--workspace={folder}", f"--preset={preset}", "--nokeep_compiled"]
    return main(["dslt", "vot", "init", *flags, *more])


def entries(folder):
    config = configparser.ConfigParser()
    config.read(folder / "trackers.ini")
    return config


def test_entries_are_added_and_the_rest_stays(tmp_path, made, capsys):
    others = "# ours\n[KCF]\ncommand = kcf_vot\nprotocol = trax"
    (tmp_path / "trackers.ini").write_text(others)
    assert init(tmp_path) == 0
    said = capsys.readouterr().out
    assert "[dslt-mosse] is now in" in said and "is no workspace yet" in said
    assert f"next: vot evaluate --workspace {tmp_path} dslt-mosse" in said
    assert init(tmp_path, "--set=lost=5", "--name=mosse-5") == 0
    assert (tmp_path / "trackers.ini").read_text().startswith(others + "\n")
    assert entries(tmp_path).sections() == ["KCF", "dslt-mosse", "mosse-5"]
    assert entries(tmp_path)["mosse-5"]["arg_settings"] == "lost=5"
    assert [(spec.preset, spec.settings) for spec in made] == [
        ("mosse", ()),
        ("mosse", ("lost=5",)),
    ]


def test_twice_is_once_and_other_settings_need_another_name(tmp_path, capsys):
    assert init(tmp_path / "new") == init(tmp_path / "new") == 0
    assert "[dslt-mosse] was already in" in capsys.readouterr().out
    before = (tmp_path / "new" / "trackers.ini").read_text()
    assert init(tmp_path / "new", "--set=lost=5") == 1
    said = capsys.readouterr().err
    assert "differs: its results would be mixed. --name" in said
    assert (tmp_path / "new" / "trackers.ini").read_text() == before


def test_what_the_toolkit_still_needs_is_noted(tmp_path, capsys):
    (tmp_path / "config.yaml").write_text("stack: vots2026/main\nregistry:\n- ../other.ini\n")
    assert init(tmp_path, "--protocol=trax") == 0
    said = capsys.readouterr().out
    assert "add ./trackers.ini to its registry" in said and "-m dslt_jax vot trax" in said


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--set=los=5"], "did you mean lost?"),
        (["--name=my tracker"], "may have letters, digits, - and _"),
        (["more"], "the verb is 'init' or 'trax', not init more"),
    ],
)
def test_what_is_wrong_is_told(tmp_path, capsys, words, says):
    assert init(tmp_path, *words) == 1
    assert says in capsys.readouterr().err
    assert not (tmp_path / "trackers.ini").exists()


def test_weights_that_cannot_be_used_are_not_entered(tmp_path, capsys):
    (tmp_path / "bad.npz").write_text("version https://git-lfs.github.com/spec/v1\n")
    assert init(tmp_path, f"--weights={tmp_path / 'bad.npz'}", preset="compact") == 1
    assert "is a pointer of Git LFS" in capsys.readouterr().err
    assert not (tmp_path / "trackers.ini").exists()
    assert init(tmp_path, preset="compact") == 0


def test_a_folder_that_cannot_be_written_and_a_library_that_is_not_there(
    tmp_path, capsys, monkeypatch
):
    (tmp_path / "file").write_text("")
    assert init(tmp_path / "file") == 1
    assert "cannot write" in capsys.readouterr().err
    real = builtins.__import__

    def absent(name, *rest):
        if name.partition(".")[0] == "trax":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", absent)
    assert main(["dslt", "vot", "trax", "--preset=mosse", "--nokeep_compiled"]) == 1
    assert "pip install 'dslt-jax[vot]'" in capsys.readouterr().err
