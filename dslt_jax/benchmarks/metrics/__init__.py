"""Measures of tracking: `evaluate(dataset, results, policy)` and its relatives."""

from dslt_jax.benchmarks.metrics.compare import Comparison, Interval, bootstrap, paired
from dslt_jax.benchmarks.metrics.ope import align, evaluate, is_test_split
from dslt_jax.benchmarks.metrics.policy import POLICIES, Policy, by_name
from dslt_jax.benchmarks.metrics.scores import MEASURES, Scores
from dslt_jax.benchmarks.metrics.segments import Segments, evaluate_segments

__all__ = [
    "MEASURES",
    "POLICIES",
    "Comparison",
    "Interval",
    "Policy",
    "Scores",
    "Segments",
    "align",
    "bootstrap",
    "by_name",
    "evaluate",
    "evaluate_segments",
    "is_test_split",
    "paired",
]
