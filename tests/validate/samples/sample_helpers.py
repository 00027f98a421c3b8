"""What several tests of the samples share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from paritygate.validate.errors import ParityGateError
from paritygate.validate.samples import Samples
from paritygate.validate.signature import Signature, TensorSpec


def signature(*inputs: TensorSpec) -> Signature:
    return Signature(inputs, ())


def spec(name: str, dtype: str = "float32", *shape: int | str, accepts: tuple[str, ...] = ()) -> TensorSpec:
    return TensorSpec(name, dtype, shape, accepts)


def refused(code: str, *words: str):
    """Expects the error that a user sees: its code, and patterns that the text must match in this order."""
    pattern = rf"\[{code}\].*" + ".*".join(words)
    return pytest.raises(ParityGateError, match=f"(?s){pattern}")


def only(samples: Samples) -> dict[str, np.ndarray]:
    assert len(samples.items) == 1
    return dict(samples.items[0].feed)


def joined(samples: Samples, name: str) -> np.ndarray:
    return np.concatenate([feed[name] for feed in samples.feeds])


def by_kind(samples: Samples, kind: str) -> list[np.ndarray]:
    return [next(iter(item.feed.values())) for item in samples.items if item.kind == kind]


def save_images(folder: Path, *sizes: tuple[int, int], mode: str = "RGB") -> list[np.ndarray]:
    """Images a.png, b.png, ... of (width, height); the pixels that Pillow itself reads."""
    folder.mkdir(exist_ok=True)
    pixels = []
    for number, (width, height) in enumerate(sizes):
        channels = len(Image.new(mode, (1, 1)).getbands())
        values = np.random.default_rng(number).integers(0, 256, (height, width, channels), dtype=np.uint8)
        Image.fromarray(values.squeeze(), mode=None).save(folder / f"{chr(97 + number)}.png")
        pixels.append(values)
    return pixels


X4 = spec("x", "float32", "N", 4)
