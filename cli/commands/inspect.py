"""``paritygate inspect``: what is this model?"""

from __future__ import annotations

from typing import Any

import click

from ..grouped import GroupedCommand
from ..options import JSON, LOADING, MODEL, PRINTING, RUNNING, options
from ..parse import chosen


@click.command(cls=GroupedCommand, epilog="\b\nExample:\n  paritygate inspect model.onnx")
@click.argument("model", type=MODEL)
@options(LOADING, RUNNING, JSON, PRINTING)
def inspect(model: str, as_json: bool, quiet: bool, debug: bool, **given: Any) -> int:
    """Print a model's format, producer, opset, signature, operators, parameters and size."""
    from paritygate.validate import inspect as inspect_model

    from ..output import show_inspection
    from ..progress import progress

    with progress(silent=quiet or as_json) as on_event:
        inspection = inspect_model(model, **chosen(given), on_event=on_event)
    show_inspection(inspection, as_json=as_json)
    return 0
