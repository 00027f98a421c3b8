"""Tables: one line per row; columns are bound to inputs by name, or form one array of features."""

from __future__ import annotations

import csv
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import ParityGateError
from ...signature import STRING, TensorSpec
from .base import RawSamples, ReadContext, package_missing, unreadable
from .bounds import check_bytes

if TYPE_CHECKING:
    from ...signature import Array

_CHUNK = 4096  # lines parsed at once: text needs many times the memory of the numbers that it holds
_MISSING = frozenset({"", "na", "n/a", "nan", "null", "none"})


def read_csv(path: Path, context: ReadContext) -> RawSamples:
    """Columns of a UTF-8 file with commas, semicolons or tabs. Raises ParityGateError PG203, PG204.

    The first line is a header if it has a cell of text, if it names all inputs or features, or if it counts 0, 1, 2,
    ... as pandas does. Cells are numbers, true/false, or text; an empty cell is a missing value.
    """
    first = next(_lines(path), None)
    if first is None:
        raise unreadable(path, "the file is empty")
    header = _is_header(first, context)
    names = first if header else [f"column {number}" for number in range(len(first))]
    if len(set(names)) < len(names):
        duplicate = next(name for name in names if names.count(name) > 1)
        raise unreadable(path, f"two columns are named '{duplicate}'", "Rename or drop one.")
    columns = _parse(path, names, header, _text_columns(names, context))
    if not len(columns[names[0]]):
        raise unreadable(path, "it has a header but no rows")
    return bind_columns(path, columns, context, header)


def read_parquet(path: Path, context: ReadContext) -> RawSamples:
    """Columns of a Parquet file, through pyarrow. Raises ParityGateError PG203, PG204."""
    return _from_arrow(path, context, "a Parquet file", _parquet_table)


def read_arrow(path: Path, context: ReadContext) -> RawSamples:
    """Columns of a file in Arrow's file or stream format, or Feather. Raises ParityGateError PG203, PG204."""
    return _from_arrow(path, context, "an Arrow or Feather file", _arrow_table)


def _parquet_table(path: Path) -> Any:
    import pyarrow.parquet as pq

    metadata = pq.read_metadata(path)
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    stored = sum(group.total_byte_size for group in groups)
    check_bytes(path, max(stored, metadata.num_rows * metadata.num_columns * 8))
    return pq.read_table(path)


def _arrow_table(path: Path) -> Any:
    import pyarrow as pa
    from pyarrow import feather

    with path.open("rb") as file:
        if file.read(4) in (b"ARRO", b"FEA1"):
            return feather.read_table(path)
    with pa.OSFile(str(path)) as source:
        return pa.ipc.open_stream(source).read_all()


def _from_arrow(path: Path, context: ReadContext, kind: str, read: Callable[[Path], Any]) -> RawSamples:
    try:
        import pyarrow as pa
    except ImportError as error:
        raise package_missing(path, "pyarrow") from error
    try:
        table = read(path)
    except (OSError, pa.ArrowException) as error:
        raise unreadable(path, f"it is not {kind}: {error}") from error
    columns = {
        name: _arrow_column(path, name, table.column(name))
        for name in table.column_names
        if not name.startswith("__index_level_")  # pandas' row labels
    }
    if not columns or not table.num_rows:
        raise unreadable(path, "it has no rows")
    return bind_columns(path, columns, context, header=True)


def bind_columns(path: Path, columns: Mapping[str, Array], context: ReadContext, header: bool) -> RawSamples:
    """Bind columns to inputs: by name where every input has a column, else all columns to a model's only input."""
    inputs = context.inputs
    if not inputs:
        return RawSamples({path.name: {name: column[:, None] for name, column in columns.items()}})
    names = [spec.name for spec in inputs]
    if all(name in columns for name in names):
        feed = {spec.name: _shaped(columns[spec.name], spec) for spec in inputs}
        return RawSamples({path.name: feed}, notes=_unused(columns, names))
    if len(inputs) > 1:
        missing = next(name for name in names if name not in columns)
        found = ", ".join(columns) if header else "no header line"
        raise ParityGateError("PG204", f"input '{missing}'", f"{path.name} has no column for it", f"It has: {found}.")
    return _features(path, columns, inputs[0], context.features if header else ())


def _features(path: Path, columns: Mapping[str, Array], spec: TensorSpec, features: tuple[str, ...]) -> RawSamples:
    """The table as one array: the named features, or all columns in their order."""
    names = list(features) if features else list(columns)
    for name in names:
        if name not in columns:
            raise ParityGateError("PG204", f"feature '{name}'", f"{path.name} has no column for it")
    wanted = spec.shape[1] if spec.shape and len(spec.shape) == 2 else None
    if isinstance(wanted, int) and wanted != len(names):
        raise ParityGateError(
            "PG204",
            path.name,
            f"it has {len(names)} columns, the model takes {wanted} features",
            "Remove columns that aren't features, such as labels or row numbers.",
        )
    for name in names:
        if (columns[name].dtype.kind == "U") != (spec.dtype == STRING):
            kind = "text" if columns[name].dtype.kind == "U" else "numbers"
            raise ParityGateError(
                "PG204",
                f"column '{name}' of {path.name}",
                f"it holds {kind} ('{columns[name][0]}'), the model takes {spec}",
            )
    array = np.stack([columns[name] for name in names], axis=1)
    one_axis = spec.shape is not None and len(spec.shape) == 1 and len(names) == 1
    return RawSamples({path.name: {spec.name: array[:, 0] if one_axis else array}}, notes=_unused(columns, names))


def _shaped(column: Array, spec: TensorSpec) -> Array:
    return column if spec.shape is not None and len(spec.shape) == 1 else column[:, None]


def _unused(columns: Mapping[str, Array], used: Sequence[str]) -> tuple[str, ...]:
    unused = [name for name in columns if name not in used]
    return (f"columns that aren't inputs of the model were ignored: {', '.join(unused)}",) if unused else ()


def _lines(path: Path) -> Iterator[list[str]]:
    """The cells of each line without blank lines, all as many as in the first. Raises ParityGateError PG203."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first_line = file.readline()
            file.seek(0)
            delimiter = next((mark for mark in ",;\t" if mark in first_line), ",")
            width = None
            reader = csv.reader(file, delimiter=delimiter, strict=True)
            for cells in filter(None, reader):
                width = width or len(cells)
                if len(cells) != width:
                    raise unreadable(path, f"line {reader.line_num} has {len(cells)} cells, the first has {width}")
                yield cells
    except UnicodeDecodeError as error:
        raise unreadable(path, "it is not UTF-8 text", "Save it as CSV in UTF-8.") from error
    except (OSError, csv.Error) as error:
        raise unreadable(path, f"it is not a table: {error}") from error


def _is_header(cells: list[str], context: ReadContext) -> bool:
    known = set(context.features) or {spec.name for spec in context.inputs}
    counted = len(cells) > 2 and cells == [str(number) for number in range(len(cells))]
    text = any(_floats([cell]) is None and _booleans([cell]) is None for cell in cells)
    return text or counted or (bool(known) and known <= set(cells))


def _text_columns(names: Sequence[str], context: ReadContext) -> set[str]:
    """Columns that must stay text although they may look like numbers: codes with leading zeros, for instance."""
    inputs = context.inputs
    text = {spec.name for spec in inputs if spec.dtype == STRING}
    one_array = len(inputs) == 1 and inputs[0].name not in names
    return set(names) if one_array and text else text


def _parse(path: Path, names: Sequence[str], header: bool, text: set[str]) -> dict[str, Array]:
    """Every column in the narrowest type that holds all of its cells: one pass finds the types, one reads."""
    types = {name: [_texts] if name in text else [*_TYPES] for name in names}
    for columns in _chunks(path, header):
        for name, cells in zip(names, columns, strict=True):
            types[name] = [parse for parse in types[name] if parse is _texts or parse(cells) is not None]
    parts: dict[str, list[Array]] = {name: [] for name in names}
    for columns in _chunks(path, header):
        for name, cells in zip(names, columns, strict=True):
            parts[name].append(_parsed(types[name][0](cells)))
    return {name: np.concatenate(part) if part else np.empty(0) for name, part in parts.items()}


def _chunks(path: Path, header: bool) -> Iterator[list[tuple[str, ...]]]:
    lines = itertools.islice(_lines(path), int(header), None)
    while rows := list(itertools.islice(lines, _CHUNK)):
        yield list(zip(*rows, strict=True))


def _booleans(cells: Sequence[str]) -> Array | None:
    words = [cell.strip().lower() for cell in cells]
    return np.array([word == "true" for word in words]) if set(words) <= {"true", "false"} else None


def _integers(cells: Sequence[str]) -> Array | None:
    return _numbers(cells, np.int64)


def _floats(cells: Sequence[str]) -> Array | None:
    full = _numbers(cells, np.float64)
    if full is not None:
        return full
    return _numbers(["nan" if cell.strip().lower() in _MISSING else cell for cell in cells], np.float64)


def _numbers(cells: Sequence[str], dtype: type[np.generic]) -> Array | None:
    if "_" in "".join(cells):  # Python reads 1_000 as a number; in a table it is a code
        return None
    try:
        return np.array(cells, dtype=dtype)
    except (ValueError, OverflowError):
        return None


def _texts(cells: Sequence[str]) -> Array:
    return np.array(cells, dtype=str)


_TYPES: tuple[Callable[[Sequence[str]], Array | None], ...] = (_booleans, _integers, _floats, _texts)


def _parsed(column: Array | None) -> Array:
    assert column is not None  # the first pass parsed these cells
    return column


def _arrow_column(path: Path, name: str, column: Any) -> Array:
    """Numbers with missing ones as NaN; text with missing ones empty."""
    import pyarrow.types as kinds

    if kinds.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    if kinds.is_string(column.type) or kinds.is_large_string(column.type):
        return np.array([value or "" for value in column.to_pylist()], dtype=str)
    if kinds.is_boolean(column.type) and not column.null_count:
        return np.array(column.to_pylist(), dtype=bool)
    if kinds.is_integer(column.type) or kinds.is_floating(column.type):
        array: Array = column.to_numpy()
        return array
    raise unreadable(
        path,
        f"column '{name}' holds {column.type}: not numbers, text, or booleans without missing values",
        "Convert or drop it.",
    )
