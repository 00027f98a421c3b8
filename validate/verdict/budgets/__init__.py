"""The user's budgets, in place of tolerances: flips of classes, drops of metrics, signal-to-noise ratios."""
