"""The list of names against the installed PyTorch: each resolves, and no layer is missing."""

from __future__ import annotations

import importlib
import inspect
import io
import pkgutil

import pytest
import torch

from paritygate.validate.engines.torch.files.names import MODULES
from paritygate.validate.engines.torch.files.pickles import TorchReader
from paritygate.validate.guard.reader import reader_of


def test_no_layer_is_missing() -> None:
    found = set()
    for module in pkgutil.walk_packages(torch.nn.modules.__path__, "torch.nn.modules."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if inspect.isclass(value) and issubclass(value, torch.nn.Module) and value.__module__ == module.name:
                found.add((module.name, name))
    assert found - MODULES.classes == set()


@pytest.mark.parametrize("kind", ["classes", "calls", "values", "moved"])
def test_every_name_resolves_to_what_it_says(kind: str) -> None:
    reader = reader_of(MODULES, "model.pt", TorchReader)(io.BytesIO())
    for module, name in sorted(getattr(MODULES, kind)):
        reader.find_class(module, name)


def test_no_name_reaches_further() -> None:
    names = {name for _, name in MODULES.classes | MODULES.calls | MODULES.values}
    words = ("load", "save", "open", "file", "compile", "exec", "eval", "library", "__")
    assert {name for name in names if any(word in name.lower() for word in words)} == {
        "SpectralNormLoadStateDictPreHook",
        "__bit_generator_ctor",
        "__generator_ctor",
        "__pyx_unpickle_SeedSequence",
        "__randomstate_ctor",
    }
