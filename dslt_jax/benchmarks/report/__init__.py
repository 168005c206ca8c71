"""A comparison of trackers as a page, figures and tables.

`gather(dataset, results)` scores the trackers and keeps all that is shown, `write_page`,
`write_figures` and `write_tables` put it on disk.
"""

from dslt_jax.benchmarks.report.figures import write_figures
from dslt_jax.benchmarks.report.files import ReportError
from dslt_jax.benchmarks.report.gather import gather
from dslt_jax.benchmarks.report.model import Report
from dslt_jax.benchmarks.report.page import write_page
from dslt_jax.benchmarks.report.tables import write_tables

__all__ = ["Report", "ReportError", "gather", "write_figures", "write_page", "write_tables"]
