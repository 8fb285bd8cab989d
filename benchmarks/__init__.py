"""Measurements of the scheduler against simulated servers. Not part of the package; `python -m benchmarks.NAME`."""
