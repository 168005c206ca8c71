"""How `bench_step` prints what it measured."""

from typing import Any


def show(result: dict[str, Any]) -> None:
    """Prints a preset's table."""
    seconds, count, cycle = result["compile_seconds"], result["targets"], result["cycle"]
    print(f"\n{result['preset']}, {count} target{'s' * (count > 1)}, {result['weights']}")
    print(f"{'':<20}{'median ms':>10}{'min ms':>10}{'GFLOP':>9}{'of matrix rate':>16}")
    for name, row in result["stages"].items():
        print(_times(name, row) + f"{row['gflop']:>9.3f}{row['of_matrix_rate']:>16.2f}")
    if cycle > 1:
        print(_times(f"mean of {cycle} frames", result["mean_step"]) + ", of which one teaches")
    print(
        f"{result['steps_per_second']:.1f} steps a second that teach, "
        f"{1e3 * count / result['mean_step']['median_ms']:.1f} targets a second on average; "
        f"{result['share_outside_backbone']:.0%} of the stages' time is outside a backbone"
    )
    print(
        f"compiling {seconds['init']:.1f} s (init) and {seconds['step']:.1f} s (step), first frame "
        f"{result['first_frame_seconds']:.2f} s, peak memory "
        f"{result['peak_memory_bytes'] / 2**20:.0f} MiB; this machine's matrix product: "
        f"{result['matrix_gflop_per_second']:.0f} GFLOP/s"
    )


def show_twin(twin: dict[str, Any] | str) -> None:
    """Prints ours and the twin's times, or why there is no twin."""
    if isinstance(twin, str):
        print(f"\nno twin: {twin}")
        return
    print(f"\ncompact and its twin in PyTorch {twin['torch']}, the step from the crops on, A B A B")
    for name, median in twin["median_ms"].items():
        print(_times(name, {"median_ms": median, "min_ms": twin["min_ms"][name]}))
    print(
        f"torch, the faster of its rows, takes {twin['ratio']:.2f} times as long as jax by the "
        f"medians, {twin['ratio_of_min']:.2f} by the minima; largest difference of their numbers "
        f"{twin['largest_difference']:.1e}"
    )


def show_carrying(times: dict[str, float]) -> None:
    """Prints what it costs to carry the settings."""
    least = times["constants"]
    print(
        f"\ncarrying the settings: {times['arguments'] - least:+.2f} ms a step (a tiny tracker's, "
        f"{least:.2f} ms with them compiled in); `dslt.step`, with its checks and three programs "
        f"in place of one: {times['drivers'] - least:+.2f} ms; the least of many"
    )


def _times(name: str, row: dict[str, float]) -> str:
    return f"{name:<20}{row['median_ms']:>10.2f}{row['min_ms']:>10.2f}"
