"""Read pickles and joblib files with the guarded reader, which knows joblib's way to store arrays."""

from __future__ import annotations

import bz2
import io
import lzma
import zlib
from collections.abc import Callable
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np

from ...errors import ParityGateError
from ...guard.reader import Reader, reader_of
from .names import SKLEARN

_WRAPPER = ("joblib.numpy_pickle", "NumpyArrayWrapper")
_PACKAGES = {"sklearn": "scikit-learn", "xgboost": "XGBoost", "lightgbm": "LightGBM", "catboost": "CatBoost"}
MOST_BYTES = 1 << 30
"""A compressed file may always unpack to this many bytes, ..."""
MOST_TIMES = 100
"""... and to this many times its own size."""


class ArrayHeader:
    """What joblib writes before an array's raw bytes; stands in for its class, which would read them unguarded."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    order: str
    numpy_array_alignment_bytes: int | None = None


class EstimatorReader(Reader):
    """The guarded reader for estimators, plain or written by joblib."""

    names = SKLEARN

    def find_class(self, module: str, name: str) -> Any:
        """A listed object, or the stand-in for joblib's. Raises PG402 for what this scikit-learn doesn't have."""
        if (module, name) == _WRAPPER:
            self._found[id(ArrayHeader)] = (ArrayHeader, _WRAPPER)
            return ArrayHeader
        if self.names.current(module, name) not in self.names and _is_gone(module, name):
            raise ParityGateError(
                "PG402", self.subject, f"it holds a {module}.{name}, which the installed version doesn't have",
                f"Load it with the {_PACKAGES[module.partition('.')[0]]} that wrote it, and fit or save it again with "
                "the installed one.",
            )  # fmt: skip
        return super().find_class(module, name)

    def _may_build(self, kind: Any) -> bool:
        return kind is ArrayHeader or super()._may_build(kind)

    def build(self, made: Any, state: Any) -> None:
        """After the state of an array's header, read the array in its place."""
        if type(made) is not ArrayHeader:
            super().build(made, state)
            return
        vars(made).update(state)
        self.stack[-1] = self._array(made)

    def _array(self, header: ArrayHeader) -> Any:
        if not isinstance(header.dtype, np.dtype):
            raise ValueError("an array without a data type")
        if header.dtype.hasobject:  # joblib stores these as a pickle of their own
            return type(self)(self.stream).load()
        if header.numpy_array_alignment_bytes is not None:
            self.stream.read(self.stream.read(1)[0])
        shape = tuple(int(length) for length in header.shape)
        content = self.stream.read(prod(shape) * header.dtype.itemsize)
        array = np.frombuffer(bytearray(content), header.dtype, prod(shape))
        array = array.reshape(shape[::-1]).transpose() if header.order == "F" else array.reshape(shape)
        return array.astype(array.dtype.newbyteorder("="), copy=False)


def _is_gone(module: str, name: str) -> bool:
    """Whether the installed libraries lack that name, which then can't be loaded in any way. Imports nothing new."""
    import importlib.util
    import sys

    package, *rest = module.split(".")
    if package not in _PACKAGES or not all(part.isidentifier() for part in (*rest, name)):
        return False
    if module in SKLEARN.modules() and module in sys.modules:
        return not hasattr(sys.modules[module], name)
    spec = importlib.util.find_spec(package)
    folders = [Path(place).joinpath(*rest) for place in (spec.submodule_search_locations or ())] if spec else []
    return bool(folders) and not any(_is_module(folder) for folder in folders)


def _is_module(path: Path) -> bool:
    return path.is_dir() or any(path.parent.glob(f"{path.name}.*"))


def read_pickle(path: Path, content: bytes) -> Any:
    """The object in a pickle or joblib file. Raises PG501, PG402 and whatever the classes raise."""
    return reader_of(SKLEARN, str(path), EstimatorReader)(_unpacked(path, content)).load()


def read_trusted(path: Path, content: bytes) -> Any:
    """The same without any check, for a file that the user trusts."""
    from joblib.numpy_pickle import NumpyUnpickler

    return NumpyUnpickler("", _unpacked(path, content), ensure_native_byte_order=True).load()


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool:
        """Whether the end was reached."""
        ...

    def decompress(self, data: bytes, max_length: int = ..., /) -> bytes:
        """As much of the data as fits."""
        ...


_COMPRESSED: dict[bytes, Callable[[], _Decompressor]] = {
    b"\x1f\x8b": lambda: zlib.decompressobj(31),
    b"BZh": bz2.BZ2Decompressor,
    b"\xfd7zXZ": lzma.LZMADecompressor,
    b"\x5d\x00": lzma.LZMADecompressor,
    b"\x78": zlib.decompressobj,
}
"""First bytes of what joblib's ``compress`` option writes, and what undoes it."""


def _unpacked(path: Path, content: bytes) -> BinaryIO:
    for magic, decompressor in _COMPRESSED.items():
        if content.startswith(magic):
            return io.BytesIO(_bounded(path, content, decompressor()))
    return io.BytesIO(content)


def _bounded(path: Path, content: bytes, decompressor: _Decompressor) -> bytes:
    """The content, unpacked no further than the bound. Raises PG402 beyond it and for a truncated file."""
    most = max(MOST_BYTES, MOST_TIMES * len(content))
    unpacked = decompressor.decompress(content, most + 1)
    if len(unpacked) > most:
        raise ParityGateError(
            "PG402", str(path), f"its {len(content):,} bytes unpack to more than {most:,}",
            "If that is really its size, save it without compression.",
        )  # fmt: skip
    if not decompressor.eof:
        raise EOFError("the compressed data is truncated")
    return unpacked
