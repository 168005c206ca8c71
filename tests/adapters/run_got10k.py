"""got10k's own OTB experiment with our tracker: python run_got10k.py ROOT OUTPUT PRESET."""

import sys
from pathlib import Path

from got10k.datasets import OTB
from got10k.experiments import ExperimentOTB

from dslt_jax.adapters.got10k import Tracker

if __name__ == "__main__":
    root, output, preset = sys.argv[1:]
    # Its lists name all of OTB; what lies in the folder is enough here.
    OTB._OTB__version_dict[2013][:] = sorted(path.name for path in Path(root).iterdir())
    experiment = ExperimentOTB(root, version=2013, result_dir=output, report_dir=output)
    experiment.run(Tracker(preset, origin=1, name="ours"))
    experiment.report(["ours"])
