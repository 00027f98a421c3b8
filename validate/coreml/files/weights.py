"""The weight file of a model package (MIL blob storage, version 2), mapped into memory.

Layout, all little-endian: a file header of 64 bytes (count, version), then for each blob, at the offset that the
program gives, 64 bytes of metadata (sentinel, element type, size in bytes, offset of the data, unused bits at the
end), then the data. Elements narrower than a byte are packed, lowest bit first.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...paths import regular_file
from ..dtypes import ElementType, unpack_bits
from ..errors import damaged

if TYPE_CHECKING:
    from ...signature import Array

SENTINEL = 0xDEADBEEF
MODEL_PATH = "@model_path/"
_HEADER = struct.Struct("<II")
_METADATA = struct.Struct("<IIQQQ")

# The storage format numbers its types differently from MIL.proto.
_STORED_BITS = {
    1: 16, 2: 32, 3: 8, 4: 8, 5: 16, 6: 16, 7: 16, 8: 4, 9: 1, 10: 2, 11: 4, 12: 3, 13: 6, 14: 32, 15: 32, 16: 8, 17: 8,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Blobs:
    """The weight files next to a specification in ``folder``; each is mapped once, on first use."""

    folder: Path
    _files: dict[str, Array] = field(default_factory=dict, repr=False)

    def read(self, file_name: str, offset: int, element: ElementType, count: int) -> Array:
        """``count`` elements of the blob whose metadata is at ``offset``, flat; elements of whole bytes aren't copied.

        Raises PG402 when the blob is missing or doesn't match the program, PG502 when the file is elsewhere.
        """
        where = f"{file_name} at {offset}"
        data = self._map(file_name)
        sentinel, stored, size, start, _ = _unpack(_METADATA, data, offset, where)
        if sentinel != SENTINEL:
            raise damaged(where, "there is no weight blob at this offset")
        if _STORED_BITS.get(stored) != element.bits:
            raise damaged(where, f"the blob has element type {stored}, the program expects {element.name}")
        if size != element.bytes_for(count) or start + size > data.size:
            raise damaged(where, f"the blob has {size} bytes at {start}, the program expects {count} {element.name}")
        raw = data[start : start + size]
        return unpack_bits(raw, element, count) if element.bits < 8 else raw.view(element.dtype)

    def locate(self, array: Array) -> tuple[str, int] | None:
        """Path below the folder and offset of ``array``, if it is an unmodified part of a weight file."""
        start = _address(array)
        for name, data in self._files.items():
            offset = start - _address(data)
            if 0 <= offset <= data.size - array.nbytes and array.flags.c_contiguous:
                return name, offset
        return None

    def _map(self, file_name: str) -> Array:
        name = file_name.removeprefix(MODEL_PATH)
        if name not in self._files:
            self._files[name] = _mapped(regular_file(self.folder, name))
        return self._files[name]


def _address(array: Array) -> int:
    return int(array.__array_interface__["data"][0])


def _mapped(path: Path) -> Array:
    try:
        # Copy-on-write: ONNX Runtime accepts writable buffers only, but nothing writes to them.
        data = np.asarray(np.memmap(path, dtype=np.uint8, mode="c"))
    except (OSError, ValueError) as e:
        raise damaged(str(path), f"the weight file can't be read: {e}") from e
    _, version = _unpack(_HEADER, data, 0, str(path))
    if version != 2:
        raise damaged(str(path), f"the weight file has version {version}; only version 2 is supported")
    return data


def _unpack(layout: struct.Struct, data: Array, offset: int, where: str) -> tuple[Any, ...]:
    if offset + layout.size > data.size:
        raise damaged(where, "this is past the end of the weight file")
    return layout.unpack(data[offset : offset + layout.size].tobytes())
