"""The documentation's own modules are imported by plain name, from docs/."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "docs"))
