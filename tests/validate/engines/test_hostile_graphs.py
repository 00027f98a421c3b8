"""Models that would touch files, the network or libraries are refused before anything runs."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from fixtures.hostile import graphs_coreml, graphs_keras, graphs_saved_model, graphs_torch
from fixtures.hostile.graphs import Writer, hostile_graphs
from paritygate.validate.detect import detect
from paritygate.validate.engines.handle import ModelHandle
from paritygate.validate.errors import ParityGateError
from paritygate.validate.options import LoadOptions
from paritygate.validate.signature import TensorSpec
from paritygate.validate.tasks.reference import load_model

INPUTS = (TensorSpec("x", "float32", ("batch", 4)),)

DAMAGE = {
    "coreml_custom_layer": "PG404", "coreml_custom_model": "PG404", "coreml_linked_absolute": "PG404",
    "onnx_custom_operator": "PG404", "graph_RestoreV2": "PG501", "script_rpc": "PG501",
    **dict.fromkeys((
        "coreml_folder", "coreml_number", "coreml_list", "coreml_text", "coreml_deep", "coreml_entries_list",
        "coreml_entries_text", "coreml_root_list", "coreml_entry_text", "coreml_fifo", "coreml_manifest_fifo",
        "keras_member_odd", "keras_member_case", "keras_member_twice", "keras_no_metadata", "keras_metadata_list",
        "keras_config_list", "keras_config_deep", "keras_bomb", "onnx_data_fifo", "onnx_data_url", "onnx_data_deep",
        "saved_asset_fifo", "saved_two_messages",
    ), "PG402"),
}  # fmt: skip
"""Files that are damaged or can't be run rather than unsafe -> their code."""


def load(path: Path) -> None:
    handle = ModelHandle.of(path, detect(path), load=LoadOptions(inputs=INPUTS if path.suffix == ".pt" else ()))
    model = load_model(handle)
    model.facts()


@pytest.mark.parametrize(("name", "write"), [pytest.param(n, w, id=n) for n, w in hostile_graphs()])
def test_a_hostile_graph_is_refused_before_it_runs(name: str, write: Writer, tmp_path: Path):
    mark = tmp_path / "mark" / "MARK"
    mark.parent.mkdir()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        write(tmp_path / name, mark)
    assert not list(mark.parent.iterdir())
    with pytest.raises(ParityGateError) as caught:
        load(tmp_path / name)
    assert caught.value.code in ({DAMAGE[Path(name).stem]} if Path(name).stem in DAMAGE else {"PG501", "PG502"})
    assert not list(mark.parent.iterdir())


SOUND = {
    "sound": graphs_saved_model.sound,
    "sound.pt": graphs_torch.sound,
    "sound.keras": graphs_keras.sound,
    "sound.mlpackage": graphs_coreml.sound,
}


@pytest.mark.parametrize("name", SOUND)
def test_the_models_that_the_hostile_ones_are_made_from_are_read(name: str, tmp_path: Path):
    SOUND[name](tmp_path / name)
    load(tmp_path / name)


def test_there_are_enough_hostile_graphs():
    assert len(list(hostile_graphs())) >= 60
