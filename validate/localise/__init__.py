"""Where numbers part: the first layer of a failing candidate that errs by more than rounding, and a repro of it."""
