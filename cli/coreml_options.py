"""Options that only a conversion to Core ML has, and how their texts become values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict

import click

from .options import parse_bounds

if TYPE_CHECKING:
    from paritygate.convert.routes.base import ConvertOptions
    from paritygate.validate.signature import ClassLabel, ImageInput

COREML = (
    click.option("--deployment-target", metavar="OS", help="Core ML: oldest system to run on, e.g. iOS15 or macOS13."),
    click.option(
        "--precision",
        type=click.Choice(["fp32", "fp16", "mixed"]),
        default="fp32",
        show_default=True,
        help="Core ML: width of computing; mixed keeps what fp16 would spoil in fp32.",
    ),
    click.option(
        "--image-input",
        "images",
        multiple=True,
        metavar="NAME:scale=S,bias=B,layout=RGB",
        help="Core ML: make an input an image; pixel p means S*p+B (B one number, or R/G/B; layout RGB, BGR or GRAY).",
    ),
    click.option(
        "--class-labels",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Core ML: names of the classes, one per line or a JSON list; makes the model a classifier.",
    ),
    click.option(
        "--shapes", multiple=True, metavar="NAME:1,3,64,64", help="Core ML: a shape that an input may have; repeat it."
    ),
)


class CoreMLOptions(TypedDict, total=False):
    """What :data:`COREML` adds to a command, as click passes it on."""

    deployment_target: str | None
    precision: str
    images: tuple[str, ...]
    class_labels: Path | None
    shapes: tuple[str, ...]
    dynamic: tuple[str, ...]


def convert_options(given: CoreMLOptions, opset: int | None) -> ConvertOptions:
    """The conversion's options as one value."""
    from paritygate.convert.routes.base import ConvertOptions

    labels = given["class_labels"]
    return ConvertOptions(
        opset=opset,
        deployment_target=given["deployment_target"],
        precision=given["precision"],
        images=dict(_image(text) for text in given["images"]),
        class_labels=() if labels is None else read_labels(labels),
        ranges=parse_bounds(given["dynamic"]),
        shapes=_shapes(given["shapes"]),
    )


def _image(text: str) -> tuple[str, ImageInput]:
    from paritygate.validate.signature import ImageInput

    name, _, settings = text.partition(":")
    try:
        said = dict(entry.split("=", 1) for entry in settings.split(",") if entry)
        scale = float(said.pop("scale", 1))
        bias = tuple(map(float, said.pop("bias", "0").split("/")))
        layout = said.pop("layout", "RGB").upper()
    except ValueError as e:
        raise _not_an_image(text) from e
    if said or not name or layout not in ("RGB", "BGR", "GRAY") or scale == 0:
        raise _not_an_image(text)
    return name, ImageInput(scale, bias, layout)


def _not_an_image(text: str) -> click.BadParameter:
    wanted = "NAME:scale=..,bias=..,layout=RGB|BGR|GRAY, e.g. image:scale=0.00392,bias=0"
    return click.BadParameter(f"{text!r} is not {wanted}", param_hint="--image-input")


def read_labels(file: Path) -> tuple[ClassLabel, ...]:
    """Class labels from a JSON list or the lines of a text file."""
    try:
        text = file.read_text()
        labels = json.loads(text) if file.suffix == ".json" else text.splitlines()
    except (OSError, ValueError) as e:
        raise click.BadParameter(f"{file} can't be read: {e}", param_hint="--class-labels") from e
    alike = isinstance(labels, list) and len({type(label) for label in labels} & {str, int}) == 1
    if not alike or len(set(labels)) < len(labels) or "" in labels:
        raise click.BadParameter(
            f"{file} has to list different names or different whole numbers, one per line or as JSON",
            param_hint="--class-labels",
        )
    return tuple(labels)


def _shapes(texts: tuple[str, ...]) -> dict[str, tuple[tuple[int, ...], ...]]:
    shapes: dict[str, tuple[tuple[int, ...], ...]] = {}
    for text in texts:
        name, _, lengths = text.rpartition(":")
        sizes = lengths.split(",")
        if not name or not all(size.strip().isdigit() and int(size) > 0 for size in sizes):
            raise click.BadParameter(f"{text!r} is not NAME:LENGTH,LENGTH,...", param_hint="--shapes")
        shapes[name] = (*shapes.get(name, ()), tuple(map(int, sizes)))
    return shapes
