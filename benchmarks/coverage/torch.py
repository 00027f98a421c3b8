"""PyTorch in docs/coverage.md: networks of torch.nn, and architectures of transformers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch

from .table import Entry, Target, outcome
from .torch_networks import TORCH
from .torchvision_like import IMAGES
from .transformers_models import TRANSFORMERS


def entries(targets: Sequence[Target], wanted: Callable[[str, str], bool]) -> Iterator[Entry]:
    """Convert every architecture with random weights."""
    for group, cases in (("torch.nn", TORCH), ("image architectures", IMAGES), ("transformers", TRANSFORMERS)):
        for name, make in cases.items():
            missing = [target for target in targets if wanted(name, target.name)]
            if not missing:
                continue
            torch.manual_seed(0)
            module, example, dynamic = make()
            arrays = {name: value.numpy() for name, value in example.items()}
            for target in missing:
                found = outcome(module.eval(), target, example=arrays, dynamic=dynamic)
                yield Entry(group, name, target.name, *found)
