"""The noise floor of a model: how far rounding alone can move its answers, measured by running it with more of it."""
