"""What a folder is that no format claims."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from .checkpoints import checkpoint
from .what import Foreign

_MOST = 5000
"""Files that are looked at in a folder and below."""

_SHOWN = 5

_HUGGING_FACE = Foreign(
    "it is a Hugging Face model: weights and a configuration, and the graph is Python code",
    "Write load.py with:\n"
    "    from transformers import AutoModel\n"
    "    def model():\n"
    "        return AutoModel.from_pretrained('{path}', return_dict=False).eval()\n"
    "  Then, with the model's own inputs: paritygate convert load.py:model --input input_ids:int64:1,16 -o model.onnx",
)
_COMPILED = Foreign(
    "it is a compiled Core ML model, which only Apple's systems read",
    "Give the .mlpackage or .mlmodel that it was compiled from.",
)
_TFJS = Foreign(
    "it is a TensorFlow.js model, which paritygate doesn't read",
    "Give the Keras model or the SavedModel that it was converted from.",
)
_KERAS = Foreign("it is an unpacked .keras archive", "Pack it again: cd {path} && zip -r ../model.keras .")
_CORE_ML = Foreign("it is a Core ML package without its suffix", "Rename it: mv {path} {path}.mlpackage")
_PEFT = Foreign(
    "it holds an adapter (PEFT), not the model that it belongs to", "Merge it into its model, and give that."
)
_TEXT = Foreign(
    "it is a SavedModel written as text",
    "Write saved_model.pb: python -c \"from google.protobuf import text_format as t; "
    "from tensorflow.core.protobuf import saved_model_pb2 as s; open('{path}/saved_model.pb', 'wb').write("
    "t.Parse(open('{path}/saved_model.pbtxt').read(), s.SavedModel()).SerializeToString())\"",
)  # fmt: skip
_CHUNKED = Foreign(
    "it is a SavedModel in chunks (saved_model.cpb), which paritygate doesn't read",
    "Load it with TensorFlow and save it again with tf.saved_model.save.",
)

_MARKS: tuple[tuple[frozenset[str], Foreign], ...] = (
    (frozenset({"saved_model.pbtxt"}), _TEXT),
    (frozenset({"saved_model.cpb"}), _CHUNKED),
    (frozenset({"adapter_config.json"}), _PEFT),
    (frozenset({"config.json", "metadata.json", "model.weights.h5"}), _KERAS),
    (frozenset({"config.json", "model.safetensors"}), _HUGGING_FACE),
    (frozenset({"config.json", "model.safetensors.index.json"}), _HUGGING_FACE),
    (frozenset({"config.json", "pytorch_model.bin"}), _HUGGING_FACE),
    (frozenset({"config.json", "pytorch_model.bin.index.json"}), _HUGGING_FACE),
    (frozenset({"config.json", "tf_model.h5"}), _HUGGING_FACE),
    (frozenset({"Manifest.json", "Data"}), _CORE_ML),
    (frozenset({"coremldata.bin"}), _COMPILED),
)
"""Names that together say what a folder is."""


def foreign_folder(path: Path, suffixes: frozenset[str]) -> Foreign:
    """What a folder is; for one without any mark, the models in it, by the suffixes of known formats."""
    names = frozenset(each.name for each in islice(path.iterdir(), _MOST))
    known = next((foreign for marks, foreign in _MARKS if marks <= names), None)
    if known is None and "model.json" in names and any(name.endswith(".bin") for name in names):
        known = _TFJS
    return known or checkpoint(path) or _listing(path, suffixes)


def _listing(path: Path, suffixes: frozenset[str]) -> Foreign:
    files = sorted(islice(path.rglob("*"), _MOST))
    saved = [file.parent for file in files if file.name == "saved_model.pb"]
    inner = [file for file in files if file.suffix.lower() in suffixes and not any(_in_package(file, path))]
    models = list(dict.fromkeys([*saved, *(file for file in inner if file.name != "saved_model.pb")]))
    if not models:
        return Foreign("the folder holds no saved_model.pb, and no model file", "Give a SavedModel or a model file.")
    listed = ", ".join(str(model) for model in models[:_SHOWN])
    if len(models) == 1:
        return Foreign("the folder itself is not a model; one is inside", f"Give {listed}")
    return Foreign("the folder itself is not a model; several are inside", f"Give one of them: {listed}")


def _in_package(file: Path, top: Path) -> list[Path]:
    """The Core ML packages around a file, up to ``top``."""
    return [parent for parent in file.relative_to(top).parents if parent.suffix == ".mlpackage"]
