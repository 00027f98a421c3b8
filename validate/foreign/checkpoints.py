"""TensorFlow checkpoints: weights in several files, without a graph."""

from __future__ import annotations

import re
from pathlib import Path

from .what import Foreign

_FILE = re.compile(r"checkpoint|.+\.index|.+\.data-\d{5}-of-\d{5}|.+\.ckpt(-\d+)?\.meta")

_WEIGHTS = (
    "it is a TensorFlow checkpoint: it holds the weights only, not the graph that uses them",
    "Build the model in Python, restore the weights, and save both: tf.train.Checkpoint(model=model).restore(prefix) "
    "or model.load_weights(prefix); then model.save('model.keras') or tf.saved_model.save(model, 'saved'). "
    "Convert that.",
)
_WITH_GRAPH = (
    "it is a checkpoint of TensorFlow 1: a graph for training ({meta}) and its weights",
    "Save what is needed for inference as a SavedModel, with tensorflow.compat.v1 as tf: "
    "tf.train.import_meta_graph('{meta}').restore(session, '{prefix}'), then "
    "tf.saved_model.simple_save(session, 'saved', inputs={...}, outputs={...}). Convert the folder saved.",
)
_OF_SAVED_MODEL = ("it holds only the variables of a SavedModel", "Give the whole folder: {folder}")


def checkpoint(path: Path) -> Foreign | None:
    """A checkpoint's folder, one of its files, or the prefix of their names; None for anything else."""
    folder, prefix = _parts(path)
    if prefix is None:
        return None
    if (folder.parent / "saved_model.pb").is_file() and folder.name == "variables":
        cause, remedy = _OF_SAVED_MODEL
        return Foreign(cause, remedy.replace("{folder}", str(folder.parent)))
    meta = folder / f"{prefix}.meta"
    if not meta.is_file():
        return Foreign(*_WEIGHTS)
    cause, remedy = (
        text.replace("{meta}", str(meta)).replace("{prefix}", str(folder / prefix)) for text in _WITH_GRAPH
    )
    return Foreign(cause, remedy)


def _parts(path: Path) -> tuple[Path, str | None]:
    """The folder and the prefix of the newest checkpoint that ``path`` names; no prefix if it names none."""
    if path.is_dir():
        found = sorted(path.glob("*.index"), key=lambda file: file.stat().st_mtime)
        has_data = bool(found) and any(path.glob(f"{_escaped(found[-1].stem)}.data-*"))
        return path, found[-1].stem if has_data else None
    if not path.exists():
        return path.parent, path.name if path.with_name(f"{path.name}.index").is_file() else None
    if not _FILE.fullmatch(path.name):
        return path.parent, None
    if path.name == "checkpoint":
        return _parts(path.parent)
    prefix = re.sub(r"\.(index|meta|data-\d{5}-of-\d{5})$", "", path.name)
    return path.parent, prefix if path.with_name(f"{prefix}.index").is_file() else None


def _escaped(text: str) -> str:
    return re.sub(r"([*?[])", r"[\1]", text)
