"""PyTorch modules: pickled whole, built by a ``module:factory``, or live objects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...errors import ParityGateError
from ...user_code import find_callable
from ..base import LoadOptions
from .binding import bind_example, declared_only, inputs_not_known
from .call import Call
from .checkpoints.describe import weights_only
from .checkpoints.load import load_weights
from .files.names import MODULES
from .files.pickles import load as load_saved
from .guess import examples
from .model import TorchModel, Trial, as_error, file_size, mode_notes, module_facts, open_module, try_call


def load(source: Path | str | Any, options: LoadOptions) -> TorchModel:
    """Open a pickled module (a path), a ``package.module:callable`` or ``file.py:callable``, or a live ``nn.Module``.

    Raises ParityGateError PG501 for a pickle that imports more than PyTorch (unless ``options.trust``), PG402 when
    the module can't be loaded, PG206 when its inputs aren't known, PG406 when it doesn't accept them, PG405 when it
    fixes an axis that was requested as dynamic.
    """
    size = file_size(source)
    notes: tuple[str, ...] = ()
    if isinstance(source, Path):
        module, title, subject = _unpickle(source, options.trust), "pickled PyTorch module", str(source)
    elif isinstance(source, str):
        module, title, subject = _build(source), "PyTorch module:factory", source
        if options.weights_file is not None:
            size, notes = (
                file_size(options.weights_file),
                load_weights(module, options.weights_file, options.weights_entry),
            )
    else:
        module, title, subject = source, "PyTorch module", type(source).__name__
    facts = module_facts(title, module, size)
    trial = find_call(subject, module, options)
    return open_module(subject, module, trial, options, facts, (*mode_notes(module), *notes))


def find_call(subject: str, module: Any, options: LoadOptions) -> Trial:
    """A call that the module accepts: the user's example, or the first guess that fits the declared inputs."""
    calls = list(_calls(subject, module, options))
    for number, call in enumerate(calls, start=1):
        try:
            return try_call(module, call)
        except ParityGateError:
            raise
        except Exception as error:
            if number == len(calls):
                shapes = ", ".join(f"{name} {tuple(getattr(value, 'shape', ()))}" for name, value in call.inputs)
                raise as_error(f"{subject} with {shapes}", "PG406", error, "Declare shapes that it accepts.") from error
    raise inputs_not_known(subject, module.forward, "its inputs are not declared")


def _calls(subject: str, module: Any, options: LoadOptions) -> Iterator[Call]:
    """Calls to try: an annotation that names no container leaves open whether it is a tuple or a list."""
    parts = any("." in name for name in (*options.constants, *(spec.name for spec in options.inputs)))
    for sequence in (tuple, list) if parts or options.example is not None else (tuple,):
        if options.example is not None:
            call = bind_example(subject, module.forward, declared_only(options.example, options), sequence)
            yield call
            yield call.with_values(lambda _, value: _in_module_width(module, value))
        elif options.inputs:
            for example in examples(options.inputs):
                yield bind_example(subject, module.forward, {**example, **options.constants}, sequence)


def _in_module_width(module: Any, value: Any) -> Any:
    """Floating samples in the width of the module's parameters: samples from text and numpy are often wider."""
    width = next((each.dtype for each in module.parameters() if each.is_floating_point()), None)
    return value.to(width) if width is not None and value.is_floating_point() else value


def _unpickle(path: Path, trust: bool) -> Any:
    if trust:
        module = _load_trusted(path)
    else:
        with path.open("rb") as file:
            module = load_saved(path, file, MODULES)
    if isinstance(module, dict):
        raise weights_only(path)
    return _check_whole(str(path), _check_kind(str(path), module))


def _check_whole(subject: str, module: Any) -> Any:
    """Raises PG402 for a module that lacks attributes of its class, as one from a damaged file may."""
    try:
        module.state_dict(), repr(module), [*module.buffers()]
    except Exception as error:  # whatever the classes do without their attributes
        raise as_error(subject, "PG402", error, "The file may be damaged: save the module again.") from error
    return module


def _load_trusted(path: Path) -> Any:
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=False)
    except Exception as error:  # unpickling runs the classes' own code
        raise as_error(
            str(path),
            "PG402",
            error,
            "The code of the module's classes must be importable; add its folder to PYTHONPATH.",
        ) from error


def _check_kind(subject: str, module: Any) -> Any:
    import torch

    if not isinstance(module, torch.nn.Module):
        kind = f"{type(module).__module__}.{type(module).__qualname__}"
        raise ParityGateError("PG402", subject, f"it is a {kind}, not a torch.nn.Module")
    return module


def _build(source: str) -> Any:
    factory = find_callable(source, "PG402")
    try:
        module = _check_kind(source, factory()).eval()
    except ParityGateError:
        raise
    except Exception as error:  # the factory is the user's code
        name = source.rpartition(":")[2]
        remedy = f"{name}() must take no arguments and return a torch.nn.Module."
        raise as_error(source, "PG402", error, remedy) from error
    return module
