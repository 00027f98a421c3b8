"""Samples: read from the user's files, generated from a signature, and the file that both sides of a run share."""

from .files import read_example, read_samples
from .fit import fit_to
from .generate import generate_samples
from .jobfile import load_outputs, load_samples, save_outputs, save_samples
from .limits import limited
from .options import parse_input, parse_range
from .trial import run_and_keep
from .types import Sample, Samples

__all__ = [
    "Sample",
    "Samples",
    "fit_to",
    "generate_samples",
    "limited",
    "load_outputs",
    "load_samples",
    "parse_input",
    "parse_range",
    "read_example",
    "read_samples",
    "run_and_keep",
    "save_outputs",
    "save_samples",
]
