"""Samples: read from the user's files or generated from a signature, and the file that both models' processes share."""

from .files import read_example, read_samples
from .fit import fit_to
from .generate import generate_samples
from .job_file import load_outputs, load_samples, save_outputs, save_samples
from .limits import limited
from .optional import run_and_keep
from .options import parse_input, parse_range
from .reaching import Reach, reaching_samples
from .types import Sample, SampleKind, Samples

__all__ = [
    "Reach",
    "Sample",
    "SampleKind",
    "Samples",
    "fit_to",
    "generate_samples",
    "limited",
    "load_outputs",
    "load_samples",
    "parse_input",
    "parse_range",
    "reaching_samples",
    "read_example",
    "read_samples",
    "run_and_keep",
    "save_outputs",
    "save_samples",
]
