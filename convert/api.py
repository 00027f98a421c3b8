"""The library's door: ``from paritygate.convert import convert``. Imports nothing heavy until it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Unpack

from ..validate.keywords import with_keywords
from .conversion import Conversion
from .options import ConvertKeywords, ConvertOptions


def convert(
    source: Any, output: str | Path, options: ConvertOptions = ConvertOptions(), **keywords: Unpack[ConvertKeywords]
) -> Conversion:
    """Convert ``source`` to the file ``output``, which is written only if parity holds.

    ``source`` is a path, a ``module:factory`` name or a live object (a fitted estimator, an ``nn.Module``, an exported
    program, a Keras model, a concrete function). A path runs in a worker process of its own, a live object in this
    process. What can be chosen is in ``options``; keywords replace single fields of its groups, for example
    ``convert(model, "model.onnx", samples="holdout.csv", opset=18)``:

    - the target: ``to``, ``route``, ``opset``, ``precision``, ``quantize`` (:class:`.options.TargetOptions`)
    - Core ML only: ``deployment_target``, ``images``, ``class_labels``, ``shapes``
      (:class:`.options.CoreMLOptions`)
    - the source: ``signature``, ``weights``, ``trust``, ``inputs`` (specs, or texts such as
      ``"x:float32:N,3,32,32"``), ``example``, ``dynamic`` ((input, axis), for Core ML (input, axis, low, high)),
      ``dtype`` (:class:`~paritygate.validate.options.LoadOptions`)
    - samples, judging and running: as for :func:`paritygate.validate.validate`

    Raises ParityGateError for everything but a verdict; ``.report.passed`` is the verdict, ``.path`` the file written
    or None.
    """
    from .export import publish
    from .pipeline import unpublished

    path, chosen = Path(output), with_keywords(options, keywords)
    with unpublished(source, path, chosen) as found:
        if found.candidate is not None:  # only then
            publish(found.candidate, path, spare=found.inputs, keep=chosen.run.keep is not None)
    return Conversion(found.report, path if found.candidate is not None else None)
