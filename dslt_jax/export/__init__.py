"""Trackers as files that run without this package.

programs   `init`, `locate` and `learn` as StableHLO, of any frame size, settings as inputs
folder     what an export leaves: programs, params, settings, a runner
runner     the runner, which is copied there; it imports JAX alone
check      the folder in a fresh process against the library, on the demo's clip
onnx       a network as ONNX
"""
