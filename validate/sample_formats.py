"""Which formats of samples there are, and what reads each of them: plain values, nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SampleFormat:
    """Files of samples: their ``suffixes``, and ``reader``, a function of a module in :mod:`.samples.formats`."""

    suffixes: tuple[str, ...]
    reader: str


IMAGES = SampleFormat((".png", ".jpg", ".jpeg", ".bmp", ".webp", ".gif", ".tif", ".tiff"), "images.read_images")

SAMPLE_FORMATS = (
    SampleFormat((".npz",), "numpy_files.read_npz"),
    SampleFormat((".npy",), "numpy_files.read_npy"),
    SampleFormat((".csv",), "tables.read_csv"),
    SampleFormat((".parquet",), "tables.read_parquet"),
    SampleFormat((".feather", ".arrow"), "tables.read_arrow"),
    SampleFormat((".json",), "json_file.read_json"),
    IMAGES,
)
"""All that are told by a suffix: a new one is an entry here and a function. Folders are told by what they hold."""

SUFFIXES = tuple(suffix for format in SAMPLE_FORMATS for suffix in format.suffixes)
"""The suffixes of all of them."""
