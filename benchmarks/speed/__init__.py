"""Cost of ``paritygate convert`` beside the bare converter's own command, as ratios measured in one run.

``python -m benchmarks.speed`` writes docs/benchmarks.md; with names of models (``bert``), it measures these alone.
"""
