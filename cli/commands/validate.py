"""``paritygate validate``: do two models agree?"""

from __future__ import annotations

from typing import Any

import click

from ..grouped import GroupedCommand
from ..options import (
    BINDING,
    CANDIDATE,
    ELSEWHERE,
    ENGINE,
    FORMAT,
    JUDGING,
    LOADING,
    MODEL,
    PRINTING,
    RUNNING,
    SAMPLING,
    SEARCHING,
    options,
)
from ..parse import chosen

_EPILOG = """\b
Examples:
  paritygate validate model.keras model.onnx
  paritygate validate old.onnx new.onnx --samples test_data_set_0/ --rtol 0 --atol 0
  paritygate validate model.pt2 model.onnx --bind logits=output_0
  paritygate validate model.keras Model.mlpackage --precision fp16
"""


@click.command(cls=GroupedCommand, epilog=_EPILOG)
@click.argument("reference", type=MODEL)
@click.argument("candidate", type=MODEL)
@options(BINDING, CANDIDATE, LOADING, SAMPLING, SEARCHING, JUDGING, ENGINE, RUNNING, ELSEWHERE, FORMAT, PRINTING)
def validate(reference: str, candidate: str, format: str | None, quiet: bool, debug: bool, **given: Any) -> int:
    """Run REFERENCE and CANDIDATE on the same samples and compare every output.

    Inputs and outputs are bound by equal names, or as --bind and --bind-input say. If each model has only one, of the
    same dtype and rank, these are bound, and the report says so. The loading options are for REFERENCE.
    """
    from paritygate.gate.config.defaults import validate_defaults
    from paritygate.validate import validate as validate_models
    from paritygate.validate.keywords import with_keywords
    from paritygate.validate.options import ValidateOptions

    from ..output import show_defaults
    from ..progress import progress
    from ..reporting import reporting

    reports = reporting().begin("validate", reference, candidate, chosen_format=format, quiet=quiet)
    typed = chosen(given)
    defaults = validate_defaults(typed, reference, candidate)
    show_defaults(defaults, silent=quiet)
    options = with_keywords(ValidateOptions(), defaults | typed)
    reports.chose(options)
    with progress(silent=quiet or not reports.for_people) as on_event:
        report = validate_models(reference, candidate, options, on_event=on_event)
    reports.judged(report)
    return report.exit_code
