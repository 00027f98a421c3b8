"""``paritygate check``: does this model run on that device?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from paritygate.convert.option_texts import parse_names

from ..grouped import GroupedCommand
from ..options import JSON, LOADING, PRINTING, options
from ..parse import chosen, parsed

_PATH = click.Path(path_type=Path)

_EPILOG = """\b
Exit status:
  0  it runs on every target
  1  a target refuses it, or runs it slower
  3  for some target the facts don't tell

\b
Examples:
  paritygate check model.onnx --target onnxruntime@1.16 --target tensorrt@10 --target rknn
  paritygate check model.onnx --target all
  paritygate check model.tflite --target tflite-micro --profile boards.yaml
  paritygate check Model.mlpackage --target ios@17 --json
  paritygate check model.keras --target onnxruntime@1.16 --target ios@17
  paritygate check model.onnx --target onnxruntime@1.12 --fix model-1.12.onnx
"""


@click.command(cls=GroupedCommand, epilog=_EPILOG)
@click.argument("model")
@click.option("--target", "-t", "targets", multiple=True, metavar="NAME[@VERSION]", help="A target, or all; repeat it.")
@click.option("--profile", "profiles", multiple=True, type=_PATH, metavar="FILE", help="Boards of your own (YAML).")
@click.option("--fix", type=_PATH, metavar="OUTPUT", help="Convert MODEL so that the targets take it, parity proved.")
@click.option(
    "--runtime",
    "runtimes",
    multiple=True,
    metavar="NAME[@VERSION]",
    callback=parsed(parse_names),
    help="Run it there as well, and compare with this machine's runtime (see --prove-in of validate).",
)
@click.option("--details", is_flag=True, help="List all nodes, and reasons that only inform.")
@options(LOADING, JSON, PRINTING)
def check(
    model: str,
    targets: tuple[str, ...],
    profiles: tuple[Path, ...],
    fix: Path | None,
    runtimes: tuple[str, ...] | None,
    details: bool,
    as_json: bool,
    quiet: bool,
    debug: bool,
    **given: Any,
) -> int:
    """Hold MODEL against targets by what is known of them; nothing is run but what --runtime names.

    MODEL is an .onnx, .tflite, .mlmodel or .mlpackage. Anything else is converted first, in a folder that is removed
    again. Each answer is one of: runs, runs slower (parts of it fall back to a CPU), refused, unknown.
    """
    from paritygate.targets import check as check_model
    from paritygate.targets.fixing import fixed
    from paritygate.targets.running import run_in
    from paritygate.targets.scratch import checkable

    from ..output import show_check
    from ..progress import progress

    with progress(silent=quiet or as_json) as on_event, checkable(model, targets, chosen(given), on_event) as files:
        found = [check_model(file, names, profiles) for file, names in files if names or profiles or not runtimes]
        if fix is not None:
            found = [check_model(fixed(found[0], fix, on_event), files[0][1], profiles)]
        ran = [run_in(file, runtimes, on_event) for file, _ in files] if runtimes else []
    show_check(found, ran, as_json=as_json, quiet=quiet, details=details)
    statuses = [*(each.exit_code for each in found), *(each.exit_code for each in ran)]
    return max(statuses, key=_SEVERITY.index)


_SEVERITY = (0, 3, 1)
"""Exit statuses from the best to the worst."""
