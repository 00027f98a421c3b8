"""The file that ``run`` writes: arrays, or a table, by the suffix of OUTPUT; and what is said of them."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from ..errors import ParityGateError
from ..samples.formats.base import package_missing
from ..samples.job_file import save_arrays
from .types import OutputStatistics

if TYPE_CHECKING:
    from ..signature import Array


def statistics_of(outputs: Mapping[str, Array]) -> tuple[OutputStatistics, ...]:
    """Least, mean and greatest finite value (in float64) of each output, and how many values are NaN."""
    return tuple(_statistics(name, array) for name, array in outputs.items())


def _statistics(name: str, array: Array) -> OutputStatistics:
    about = OutputStatistics(name, "str" if array.dtype.kind == "U" else array.dtype.name, array.shape)
    if array.dtype.kind not in "fiub":
        return about
    values = array.astype(np.float64)
    finite = values[np.isfinite(values)]
    nan, infinite = int(np.isnan(values).sum()), int(np.isinf(values).sum())
    if not finite.size:
        return OutputStatistics(about.name, about.dtype, about.shape, nan=nan, infinite=infinite)
    figures = (float(finite.min()), float(finite.mean()), float(finite.max()))
    return OutputStatistics(about.name, about.dtype, about.shape, *figures, nan, infinite)


def check_suffix(output: Path) -> None:
    """Raises ParityGateError PG201 for a suffix that no format has, PG403 where its package is missing."""
    if output.suffix.lower() not in _WRITERS:
        cause = f"'{output.suffix}' is not a format for outputs"
        raise ParityGateError("PG201", str(output), cause, f"Formats: {', '.join(_WRITERS)}.")
    if output.suffix.lower() == ".parquet":
        try:
            import pyarrow  # noqa: F401
        except ImportError as error:
            raise package_missing(output, "pyarrow") from error


def write_outputs(arrays: Mapping[str, Array], output: Path, file: IO[bytes]) -> None:
    """Write the outputs in the format of OUTPUT's suffix. Raises ParityGateError PG201 where it can't hold them."""
    _WRITERS[output.suffix.lower()](arrays, output, file)


def _write_npz(arrays: Mapping[str, Array], output: Path, file: IO[bytes]) -> None:
    save_arrays(arrays, file)


def _write_npy(arrays: Mapping[str, Array], output: Path, file: IO[bytes]) -> None:
    if len(arrays) != 1:
        raise _unfit(output, f"it holds one array, and there are {len(arrays)}: {', '.join(arrays)}")
    (array,) = arrays.values()
    np.lib.format.write_array(file, array, allow_pickle=False)


def _write_json(arrays: Mapping[str, Array], output: Path, file: IO[bytes]) -> None:
    """Nested lists by name; NaN is null, as sample files have it."""
    for name, array in arrays.items():
        if array.dtype.kind == "c":
            raise _unfit(output, f"JSON has no complex numbers, which {name!r} holds")
    file.write(json.dumps({name: _listed(array) for name, array in arrays.items()}).encode())


def _listed(array: Array) -> Any:
    if array.dtype.kind != "f":
        return array.tolist()
    exact = array.astype(np.float64)  # its digits give back the narrower type
    return np.where(np.isnan(exact), None, exact).tolist()  # type: ignore[call-overload]


def _write_csv(arrays: Mapping[str, Array], output: Path, file: IO[bytes]) -> None:
    columns = _columns(arrays, output)
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(zip(*(map(_cell, column) for column in columns.values()), strict=True))
    text.detach()  # flushes; the file is closed by whoever opened it


def _cell(value: Any) -> str:
    return "" if value != value else str(value)  # NaN is an empty cell, as sample files have it


def _write_parquet(arrays: Mapping[str, Array], output: Path, file: IO[bytes]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {name: pa.array(column) for name, column in _columns(arrays, output).items()}
    pq.write_table(pa.table(columns), file)


def _columns(arrays: Mapping[str, Array], output: Path) -> dict[str, Array]:
    """A column for an output of one value per row, ``name_0``, ``name_1``, ... for one of several."""
    columns: dict[str, Array] = {}
    for name, array in arrays.items():
        if array.ndim not in (1, 2) or array.dtype.kind == "c":
            raise _unfit(output, f"a table has no place for {name!r}, {array.dtype.name}{list(array.shape)}")
        parts = {name: array} if array.ndim == 1 else {f"{name}_{n}": part for n, part in enumerate(array.T)}
        columns |= {name: array[:, 0]} if array.shape[1:] == (1,) else parts
    if len({len(column) for column in columns.values()}) != 1:
        raise _unfit(output, "the outputs have different numbers of rows")
    return columns


def _unfit(output: Path, cause: str) -> ParityGateError:
    return ParityGateError("PG201", str(output), cause, "Write an .npz.")


_WRITERS: dict[str, Callable[[Mapping[str, Array], Path, IO[bytes]], None]] = {
    ".npz": _write_npz,
    ".npy": _write_npy,
    ".csv": _write_csv,
    ".parquet": _write_parquet,
    ".json": _write_json,
}
