"""What is known of a SavedModel's folder before TensorFlow restores it: tags, signatures, producer, size."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...errors import ParityGateError
from ...paths import regular_file
from .guard import check_assets, check_meta_graph
from .nodes import all_nodes

_FILE, _CHUNKED = "saved_model.pb", "saved_model.cpb"


@dataclass(frozen=True, slots=True)
class SavedModelFile:
    """A folder with a saved_model.pb, and the meta graph in it that is meant for serving.

    ``needs_session`` says that it is of version 1 and has lookup tables: only a session finds what they hold.
    """

    folder: Path
    tags: tuple[str, ...]
    signatures: tuple[str, ...]
    producer: str
    needs_session: bool = False

    @property
    def size(self) -> int:
        """Bytes of all files in the folder."""
        return sum(file.stat().st_size for file in self.folder.rglob("*") if file.is_file())

    @classmethod
    def read(cls, folder: Path, *, trust: bool = False) -> SavedModelFile:
        """Parse saved_model.pb and check what TensorFlow would run and read, before it does.

        Raises PG402 when it is damaged or its variables are missing, PG501 for operators that do more than compute
        unless ``trust``, PG502 for files outside of the folder.
        """
        content = _parse(folder)
        for meta in content.meta_graphs:
            check_assets(folder, meta)
            if not trust:
                check_meta_graph(folder, meta)
        meta = _serving_graph(content)
        if any(_needs_variables(node) for node in all_nodes(meta.graph_def)):
            _check_variables(folder)
        return cls(
            folder=folder,
            tags=tuple(meta.meta_info_def.tags),
            signatures=tuple(sorted(name for name in meta.signature_def if not name.startswith("__"))),
            producer=f"TensorFlow {meta.meta_info_def.tensorflow_version}".strip(),
            needs_session=not meta.object_graph_def.nodes and any(map(_is_table, all_nodes(meta.graph_def))),
        )


def _parse(folder: Path) -> Any:
    from google.protobuf.message import DecodeError
    from tensorflow.core.protobuf import saved_model_pb2

    regular_file(folder, _FILE)
    if (folder / _CHUNKED).exists():
        cause = f"it has both {_FILE} and {_CHUNKED}, and TensorFlow decides which one counts"
        raise ParityGateError("PG402", str(folder), cause, f"Remove {_CHUNKED}, or save the model again.")
    content = saved_model_pb2.SavedModel()
    try:
        content.ParseFromString((folder / _FILE).read_bytes())
    except (OSError, DecodeError, RecursionError) as error:
        raise ParityGateError("PG402", str(folder), f"its saved_model.pb can't be read: {error}") from error
    if not content.meta_graphs:
        raise ParityGateError("PG402", str(folder), "its saved_model.pb holds no graph", "Is it a frozen GraphDef?")
    return content


def _serving_graph(content: Any) -> Any:
    serving = [meta for meta in content.meta_graphs if "serve" in meta.meta_info_def.tags]
    return (serving or list(content.meta_graphs))[0]


def _is_table(node: Any) -> bool:
    return "HashTable" in node.op


def _needs_variables(node: Any) -> bool:
    return node.op in {"VarHandleOp", "VariableV2", "Variable"}


def _check_variables(folder: Path) -> None:
    """Check for the variables here: TensorFlow's own message names neither the folder nor a remedy."""
    found = folder / "variables" / "variables.index"
    if not found.is_file():
        cause = "the model has variables, but its folder has no variables/variables.index"
        raise ParityGateError("PG402", str(folder), cause, "Copy the whole SavedModel folder, variables included.")
    for file in found.parent.iterdir():
        regular_file(folder, f"variables/{file.name}")
