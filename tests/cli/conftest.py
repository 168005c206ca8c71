import csv
import json

import pytest
import track_fakes

from dslt_jax.app.spec import Spec
from dslt_jax.cli import main as cli


@pytest.fixture
def folder(tmp_path):
    return track_fakes.write(tmp_path / "clip")


@pytest.fixture
def fake(monkeypatch):
    """The app without a network."""

    def install(**options):
        monkeypatch.setattr(Spec, "build", lambda spec: track_fakes.Drifting(**options))

    install()
    return install


@pytest.fixture
def run(folder, tmp_path, capsys):
    """Runs `dslt track` on the folder and returns the status, what it wrote and said."""

    class Result:
        def __init__(self, *flags, box="10,12,20,16", source=folder):
            self.out = tmp_path / "out"
            command = ["dslt", "track", f"--input={source}", f"--output={self.out}", *flags]
            self.status = cli.main(command + ([f"--box={box}"] if box else []))
            self.stdout, self.stderr = capsys.readouterr()

        def rows(self, name="boxes.csv"):
            return list(csv.DictReader((self.out / name).read_text().splitlines()))

        @property
        def files(self):
            return sorted(path.name for path in self.out.iterdir()) if self.out.is_dir() else []

        @property
        def summary(self):
            return json.loads((self.out / "summary.json").read_text())

    return Result
