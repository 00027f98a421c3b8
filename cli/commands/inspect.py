"""``paritygate inspect``: what is this model?"""

from __future__ import annotations

from typing import Unpack

import click

from ..options import LOADING, PRINTING, options
from ..settings import SharedOptions


@click.command(epilog="\b\nExample:\n  paritygate inspect model.onnx")
@click.argument("model")
@options(LOADING, PRINTING)
def inspect(model: str, as_json: bool, quiet: bool, debug: bool, **shared: Unpack[SharedOptions]) -> int:
    """Print a model's format, producer, opset, signature, operators, parameters and size."""
    from paritygate.validate.session import inspect_model

    from ..output import show_inspection
    from ..progress import progress
    from ..settings import load_options

    with progress(silent=quiet or as_json) as on_event:
        inspection = inspect_model(model, load_options(shared), on_event)
    show_inspection(inspection, as_json=as_json)
    return 0
