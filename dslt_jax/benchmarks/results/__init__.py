"""Trackers' results in the toolkits' files: OTB text and .mat, got10k, pysot, VOT.

| format  | files of a tracker's folder                                                      |
|---------|----------------------------------------------------------------------------------|
| otb     | `<Sequence>.txt`, x, y, w, h a line, in the benchmark's coordinates; or `.csv`   |
| otb_mat | `<sequence>_<Tracker>.mat`, Wu's struct `results` with `res` and `type` "rect"   |
| got10k  | as otb with `times/<Sequence>_time.txt`, or `<Sequence>/<Sequence>_001.txt`      |
| pysot   | as otb; on VOT as vot                                                            |
| vot     | `baseline/<Sequence>/<Sequence>_001.txt` with 1 start, 2 failure, 0 not running  |
"""

from dslt_jax.benchmarks.results.base import FORMATS, Results, ResultsError, common, distinct, key
from dslt_jax.benchmarks.results.reader import detect, read
from dslt_jax.benchmarks.results.writer import write

__all__ = [
    "FORMATS",
    "Results",
    "ResultsError",
    "common",
    "detect",
    "distinct",
    "key",
    "read",
    "write",
]
