"""The library's door: ``from paritygate.validate import validate``. Imports nothing heavy until it is called."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from .keywords import InspectKeywords, RunModelKeywords, ValidateKeywords, with_keywords
from .options import InspectOptions, RunModelOptions, ValidateOptions
from .report.report import Report

if TYPE_CHECKING:
    from .tasks.types import Inspection, ModelRun


def validate(
    reference: Any,
    candidate: Any,
    options: ValidateOptions = ValidateOptions(),
    **keywords: Unpack[ValidateKeywords],
) -> Report:
    """Run two models on the same samples and compare every output.

    ``reference`` and ``candidate`` are paths, ``module:factory`` names or live objects (a fitted estimator, an
    ``nn.Module``, an exported program, a Keras model, a concrete function). A path runs in a worker process of its own,
    a live object in this process. What can be chosen is in ``options``; keywords replace single fields of its groups,
    for example ``validate("a.onnx", "b.onnx", samples="holdout.npz", rtol=1e-3, atol=1e-5)``:

    - the reference: ``signature``, ``weights``, ``trust``, ``inputs`` (specs, or texts such as
      ``"x:float32:N,3,32,32"``), ``example``, ``dynamic``, ``dtype`` (:class:`.options.LoadOptions`)
    - samples: ``samples`` (a file or folder, see docs/samples.md; a data frame, an array or tensor, a dictionary of
      them, or a list of such dictionaries, see docs/python-api.md), ``seed``, ``ranges``, ``batch_sizes``
      (:class:`.options.SampleOptions`)
    - judging: ``policy``, ``rtol``, ``atol``, ``tolerances``, ``budget``, ``second_opinion``, ``search``,
      ``thresholds``, ``metrics``, ``config``, ``localise``, ``repro``, ``min_coverage``,
      ``max_flips``, ``max_drop``, ``min_snr``, ``redact``, ``prove_in``
      (:class:`.options.JudgeOptions`)
    - running: ``timeout``, ``memory_limit``, ``keep``, ``engine``, ``pass_env``, ``on_event``
      (:class:`.options.RunOptions`)
    - names that differ: ``bind``, ``bind_inputs``, candidate name -> reference name (:class:`.options.BindOptions`)
    - the candidate's ``precision``: the coarsest that is accepted (:class:`.options.CandidateOptions`)

    Raises ParityGateError for everything but a verdict; the report's ``passed`` is the verdict.
    """
    from .session import compare_models

    return compare_models(reference, candidate, with_keywords(options, keywords))


def run(
    model: Any, output: str | Path, options: RunModelOptions = RunModelOptions(), **keywords: Unpack[RunModelKeywords]
) -> ModelRun:
    """Run one model on samples and write its outputs to a file, whole or not at all.

    The suffix of ``output`` decides: .npz; .npy for a single output; .csv and .parquet for outputs that are columns;
    .json. The result has ``statistics`` of each output. The keys of an .npz are output names, all samples joined along
    the batch; ``NUMBER/NAME`` where they can't be joined. Names that no member of an archive should have are
    percent-encoded (:mod:`.samples.member_names`).
    Options as for :func:`validate`, without those for judging. Raises ParityGateError.
    """
    from .session import run_model

    return run_model(model, Path(output), with_keywords(options, keywords))


def inspect(model: Any, options: InspectOptions = InspectOptions(), **keywords: Unpack[InspectKeywords]) -> Inspection:
    """A model's format, producer, opset, operators, parameters and signature. Raises ParityGateError."""
    from .session import inspect_model

    return inspect_model(model, with_keywords(options, keywords))
