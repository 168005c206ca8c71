"""Which tracker, in words: hashable, picklable, the same in any process and on any machine."""

import dataclasses
from typing import Any

from dslt_jax import presets, settings
from dslt_jax.app.session import Session
from dslt_jax.arrays import random_key
from dslt_jax.types import Tracker
from dslt_jax.weights import sources, store


@dataclasses.dataclass(frozen=True)
class Spec:
    """A preset with settings, a weights file or the embedded or stored weights, and a seed."""

    preset: str = "compact"
    settings: tuple[str, ...] = ()  # name=value, as `settings.override` takes them
    weights: str | None = None
    seed: int = 0

    def tracker(self) -> Tracker:
        """Returns the tracker; raises ValueError that names a wrong preset, setting or value."""
        return settings.override(presets.by_name(self.preset), self.settings)

    def describe(self) -> dict[str, Any]:
        """Returns all that decides the results, as JSON values.

        Raises:
          ValueError: as `tracker`; WeightsError: its weights are not there.
        """
        tracker = self.tracker()
        name = type(tracker).__name__.lower()
        described = {"name": name, "seed": self.seed, "config": settings.describe(tracker)}
        return described | {"weights": self._digest(tracker)}

    def build(self) -> Session:
        """Loads the weights; raises ValueError as `tracker`, and WeightsError."""
        tracker = self.tracker()
        params = store.load_params(tracker, self.weights)
        return Session(tracker, params, key=random_key(self.seed))

    def _digest(self, tracker: Tracker) -> str | dict[str, str] | None:
        """SHA-256 of the weights file, of several networks by name; None where there are none."""
        files = store.files(tracker, self.weights)
        if not all(source.is_file() for source in files.values()):
            store.load_params(tracker, self.weights)  # says what to do
        digests = {name: sources.file_sha256(source) for name, source in files.items()}
        return digests if len(digests) > 1 else next(iter(digests.values()), None)
