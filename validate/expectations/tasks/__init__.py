"""Figures that decide in practice, by name: ``--metric "top(logits, k=5):0.01"``. Each is measured row by row."""
