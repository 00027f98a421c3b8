"""OUTPUT is replaced whole or not at all, external data included."""

from __future__ import annotations

import errno
from contextlib import suppress
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from paritygate.convert.export import check_output, publish, use_free_data_name
from paritygate.convert.routes.onnx.save import save_onnx
from paritygate.validate.errors import ParityGateError
from paritygate.validate.files import replace as files


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


@pytest.mark.parametrize("step", range(12))
def test_a_failure_at_any_step_leaves_the_old_model_usable(
    tmp_path: Path, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fail at each of publish's calls in turn: the pair must load and give what it gave, and nothing else is left."""
    output = tmp_path / "out" / "model.onnx"
    output.parent.mkdir()
    publish(candidate(tmp_path / "a", 2, external=True, output=output), output)
    new = candidate(tmp_path / "b", 3, external=True, output=output)
    calls = iter(range(100))

    def dying(original):
        def call(*arguments, **keywords):
            if next(calls) == step:
                raise OSError(errno.ENOSPC, "full")
            return original(*arguments, **keywords)

        return call

    monkeypatch.setattr(files.os, "fsync", dying(files.os.fsync))
    monkeypatch.setattr(Path, "rename", dying(Path.rename))
    with suppress(ParityGateError):
        publish(new, output)
        step = -1
    monkeypatch.undo()
    assert factor_of(output) == 3 if step < 0 else factor_of(output) in (2, 3)
    assert len(list(output.parent.iterdir())) == 2


def test_data_of_the_source_stays(tmp_path: Path) -> None:
    """The source refers to the data of the model that OUTPUT replaces."""
    output, source = tmp_path / "model.onnx", tmp_path / "source.onnx"
    publish(candidate(tmp_path / "a", 2, external=True, output=output), output)
    source.write_bytes(output.read_bytes())
    publish(candidate(tmp_path / "b", 3, external=True, output=output), output, spare=[source])
    assert (factor_of(source), factor_of(output)) == (2, 3)


@pytest.mark.parametrize("name", ["source.onnx", "source.onnx.data", "link.onnx"])
def test_the_source_is_not_replaced(name: str, tmp_path: Path) -> None:
    source = tmp_path / "source.onnx"
    save_onnx(scaled(2), source, inline_limit=0)
    (tmp_path / "link.onnx").hardlink_to(source)
    with pytest.raises(ParityGateError, match=r"PG205.*it is the input"):
        check_output(tmp_path / name, inputs=[source])


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


@pytest.mark.parametrize("keep", [False, True])
def test_no_file_has_two_names(tmp_path: Path, keep: bool) -> None:
    """External data with a second name is refused when the model is read."""
    output = tmp_path / "model.onnx"
    new = candidate(tmp_path / "a", 2, external=True, output=output)
    publish(new, output, keep=keep)
    assert {path.stat().st_nlink for path in tmp_path.iterdir() if path.is_file()} == {1}
    assert new.is_file() == keep
