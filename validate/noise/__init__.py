"""The noise floor: how far rounding alone moves a model's outputs, measured by running it with added rounding."""
