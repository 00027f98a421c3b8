"""What a samples file would unpack to is bounded before it is unpacked."""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from paritygate.validate.errors import ParityGateError
from paritygate.validate.samples import read_samples
from paritygate.validate.samples.formats import bounds
from paritygate.validate.signature import Signature, TensorSpec

IMAGES = Signature((TensorSpec("x", "float32", ("n", 8, 8, 3)),), ())
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n"


HUGE = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1099511627776,), }".ljust(117) + b"\n"


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png_of(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def declared(path: Path, size: int) -> None:
    """An archive whose directory declares a member of ``size`` bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", bytes(100))
        archive.infolist()[0].file_size = size


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("bomb.npz", lambda path: declared(path, 2**41)),
        ("huge.npy", lambda path: path.write_bytes(b"\x93NUMPY\x01\x00v\x00" + HUGE)),
        ("wide.png", lambda path: path.write_bytes(png_of(60_000, 60_000))),
        ("script.png", lambda path: path.write_bytes(EPS)),
        ("text.npz", lambda path: path.write_text("no archive")),
    ],
)  # fmt: skip
def test_what_would_not_fit_is_refused(name: str, write: Callable[[Path], object], tmp_path: Path):
    write(tmp_path / name)
    with pytest.raises(ParityGateError) as caught:
        read_samples(tmp_path / name, IMAGES)
    assert caught.value.code == "PG203"


def test_samples_may_take_a_part_of_the_memory(tmp_path: Path):
    bounds.check_bytes(tmp_path, 10**6)
    with pytest.raises(ParityGateError, match="unpack"):
        bounds.check_bytes(tmp_path, 2**50)


def test_a_fifo_holds_no_samples(tmp_path: Path):
    os.mkfifo(tmp_path / "a.npz")
    with pytest.raises(ParityGateError) as caught:
        read_samples(tmp_path / "a.npz", IMAGES)
    assert caught.value.code == "PG202"
