"""The experiments import each other by plain name, from their own folders."""

import sys
from pathlib import Path

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
sys.path += [str(EXPERIMENTS / room) for room in ("accuracy", "reliability", "speed", "training")]
