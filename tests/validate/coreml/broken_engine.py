"""Pytest plugin: an engine whose float results are one percent too large."""

from typing import Any

import numpy as np

from paritygate.validate.coreml.runtime import Session

sound = Session.predict


def predict(self: Session, *arguments: Any) -> dict[str, Any]:
    results = sound(self, *arguments)
    return {k: v * np.float32(1.01) if isinstance(v, np.ndarray) else v for k, v in results.items()}


Session.predict = predict
