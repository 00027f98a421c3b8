"""OUTPUT is replaced whole or not at all, external data included."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from paritygate.convert import export
from paritygate.convert.export import check_output, publish, use_free_data_name
from paritygate.convert.routes.onnx.save import save_onnx
from paritygate.validate.errors import ParityGateError


def scaled(factor: float) -> onnx.ModelProto:
    """y = factor * x, with the factor as an initializer."""
    value = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 512]) for name in ("x", "y")]
    weight = numpy_helper.from_array(np.full(512, factor, np.float32), "w")
    graph = helper.make_graph([helper.make_node("Mul", ["x", "w"], ["y"])], "g", value[:1], value[1:], [weight])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def candidate(folder: Path, factor: float, *, external: bool, output: Path) -> Path:
    folder.mkdir()
    path = folder / output.name
    save_onnx(scaled(factor), path, inline_limit=0 if external else 10**6)
    use_free_data_name(path, output)
    return path


def factor_of(path: Path) -> float:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return float(session.run(None, {"x": np.ones((1, 512), np.float32)})[0][0, 0])


@pytest.mark.parametrize("old_external", [False, True])
@pytest.mark.parametrize("new_external", [False, True])
def test_replaces_an_older_model_and_leaves_nothing_else(
    tmp_path: Path, old_external: bool, new_external: bool
) -> None:
    output = tmp_path / "model.onnx"
    publish(candidate(tmp_path / "a", 2, external=old_external, output=output), output)
    publish(candidate(tmp_path / "b", 3, external=new_external, output=output), output)
    assert factor_of(output) == 3
    files = [path.name for path in tmp_path.iterdir() if path.is_file()]
    assert len(files) == 1 + new_external, files


@pytest.mark.parametrize("step", range(4))
def test_a_death_at_any_step_leaves_the_old_model_usable(
    tmp_path: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stop before each of publish's renames and links in turn: the old pair must still load and give 2."""
    output = tmp_path / "model.onnx"
    publish(candidate(tmp_path / "a", 2, external=True, output=output), output)
    new = candidate(tmp_path / "b", 3, external=True, output=output)
    calls = iter(range(100))

    def dying(original):
        def call(*arguments, **keywords):
            if next(calls) == step:
                raise KeyboardInterrupt
            return original(*arguments, **keywords)

        return call

    monkeypatch.setattr(export.os, "link", dying(export.os.link))
    monkeypatch.setattr(Path, "replace", dying(Path.replace))
    with pytest.raises(KeyboardInterrupt):
        publish(new, output)
    monkeypatch.undo()
    assert factor_of(output) == 2
    assert not list(tmp_path.glob(".*partial"))


def test_other_peoples_data_stays(tmp_path: Path) -> None:
    """Data named after another model may be shared with it."""
    output = tmp_path / "model.onnx"
    old = tmp_path / "shared.onnx"
    save_onnx(scaled(2), old, inline_limit=0)
    old.rename(output)
    publish(candidate(tmp_path / "b", 3, external=False, output=output), output)
    assert (tmp_path / "shared.onnx.data").exists()


def test_refused_outputs(tmp_path: Path) -> None:
    (tmp_path / "folder.onnx").mkdir()
    (tmp_path / "link.onnx").symlink_to(tmp_path / "elsewhere.onnx")
    for output in ("folder.onnx", "link.onnx", "missing/model.onnx"):
        with pytest.raises(ParityGateError) as caught:
            check_output(tmp_path / output)
        assert caught.value.code == "PG205"
