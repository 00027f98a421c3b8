"""``--weights`` takes checkpoints in the forms in which people have them.

The right outputs are those of the module that was saved.
"""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from fixtures.pickles import Bomb
from paritygate.validate.detect import detect
from paritygate.validate.engines.torch.checkpoints.load import load_weights
from paritygate.validate.errors import ParityGateError
from paritygate.validate.options import LoadOptions

pytestmark = pytest.mark.xdist_group("torch")


class Net(nn.Module):
    """Normalised, with a buffer that isn't saved; ``seed`` makes the weights."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.l, self.norm = nn.Linear(4, 3), nn.BatchNorm1d(3)
        self.norm.running_mean.uniform_(-1, 1)
        self.register_buffer("steps", torch.arange(3.0), persistent=False)

    def forward(self, x: torch.Tensor) -> Any:
        return self.norm(self.l(x)) + self.steps


TRAINED, AVERAGED = Net(1).eval(), Net(2).eval()
STATE, AVERAGES = TRAINED.state_dict(), AVERAGED.state_dict()
X = torch.linspace(-2, 2, 20).reshape(5, 4)


def loaded(path: Path, module: nn.Module | None = None, entry: str = "") -> tuple[torch.Tensor, str]:
    module = (module or Net()).eval()
    notes = load_weights(module, path, entry)
    with torch.no_grad():
        return module(X), "; ".join(notes)


def refused(path: Path, module: nn.Module | None = None, entry: str = "") -> ParityGateError:
    with pytest.raises(ParityGateError) as caught:
        load_weights(module or Net(), path, entry)
    return caught.value


def prefixed(prefix: str, state: Any = STATE) -> dict[str, Any]:
    return {prefix + name: value for name, value in state.items()}


FORMS: dict[str, Callable[[], Any]] = {
    "plain": lambda: STATE,
    "parameters": lambda: {n: nn.Parameter(v) if v.is_floating_point() else v for n, v in STATE.items()},
    "arrays": lambda: {name: value.numpy() for name, value in STATE.items()},
    "half": lambda: {name: value.double() if value.is_floating_point() else value for name, value in STATE.items()},
    **{
        f"entry {key}": lambda key=key: {key: STATE, "epoch": 1}
        for key in ("state_dict", "model", "model_state", "model_state_dict", "ema", "net", "params", "module")
    },
    "entry in an entry": lambda: {"checkpoint": {"model": STATE}, "args": {"lr": 0.1}},
    "in a list": lambda: {"models": [STATE]},
    **{f"prefix {p}": lambda p=p: prefixed(p) for p in ("module.", "_orig_mod.", "model.", "module._orig_mod.")},
    "compiled inside": lambda: {name.replace("norm.", "norm._orig_mod."): value for name, value in STATE.items()},
    "parallel inside": lambda: {name.replace("norm.", "norm.module."): value for name, value in STATE.items()},
    "averaged model": lambda: {"n_averaged": torch.tensor(3), **prefixed("module.")},
    "lightning": lambda: {"state_dict": prefixed("model."), "optimizer_states": [optimizer()], "loops": {"a": 1}},
    "optimizer first": lambda: {"optimizer": {"exp_avg": AVERAGES}, "model": STATE},
    "submodules apart": lambda: {"l": TRAINED.l.state_dict(), "norm": TRAINED.norm.state_dict()},
    "whole module": lambda: {"model": nn.Sequential(TRAINED.l, TRAINED.norm)},
}  # fmt: skip


def optimizer() -> Any:
    trained = nn.Linear(4, 3)
    made = torch.optim.Adam(trained.parameters())
    trained(torch.ones(2, 4)).sum().backward()
    made.step()
    return made.state_dict()


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("old", [False, True])
def test_forms(name: str, old: bool, tmp_path: Path) -> None:
    torch.save(FORMS[name](), tmp_path / "w.ckpt", _use_new_zipfile_serialization=not old)
    module = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3)) if name == "whole module" else Net()
    outputs, _ = loaded(tmp_path / "w.ckpt", module)
    expected = TRAINED(X) - (TRAINED.steps if name == "whole module" else 0)
    torch.testing.assert_close(outputs, expected)


def test_module_that_wraps_the_saved_one(tmp_path: Path) -> None:
    class Wrapper(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = Net()

        def forward(self, x: torch.Tensor) -> Any:
            return self.model(x)

    torch.save({"state_dict": STATE}, tmp_path / "w.pt")
    torch.testing.assert_close(loaded(tmp_path / "w.pt", Wrapper())[0], TRAINED(X))


@contextmanager
def package(name: str, **classes: type) -> Iterator[None]:
    """A package that is there while a file is written, and is gone when it is read."""
    module = types.ModuleType(name)
    for kind in classes.values():
        kind.__module__, kind.__qualname__ = name, kind.__name__
        setattr(module, kind.__name__, kind)
    sys.modules[name] = module
    try:
        yield
    finally:
        del sys.modules[name]


class AttributeDict(dict[str, Any]):
    pass


class Callback:
    def __init__(self) -> None:
        self.best, self.history = torch.ones(2), [1, 2]

    def __reduce_ex__(self, protocol: Any) -> Any:
        return Callback, (), self.__dict__, iter([1, 2]), iter([("a", torch.zeros(3))])

    def append(self, _: Any) -> None: ...

    def __setitem__(self, *_: Any) -> None: ...


@pytest.mark.parametrize("old", [False, True])
def test_objects_of_packages_that_are_not_imported(old: bool, tmp_path: Path) -> None:
    """A Lightning checkpoint: options and callbacks are objects of its own and of the user's classes."""
    with package("pytorch_lightning", a=AttributeDict, b=Callback):
        saved = {
            "hyper_parameters": AttributeDict(lr=0.1, net=nn.ReLU(), optimizer=torch.optim.Adam),
            "callbacks": {"Best": Callback(), "file": Path("best")},
            "state_dict": AttributeDict(prefixed("model.")),
        }
        torch.save(saved, tmp_path / "last.ckpt", _use_new_zipfile_serialization=not old)
    torch.testing.assert_close(loaded(tmp_path / "last.ckpt")[0], TRAINED(X))
    assert "pytorch_lightning" not in sys.modules
    with pytest.raises(ParityGateError, match=r"only weights: .*l\.weight \[3, 4\]"):
        detect(tmp_path / "last.ckpt")


@pytest.mark.parametrize("place", ["beside", "inside", "as the options"])
def test_code_is_refused_wherever_it_is(place: str, tmp_path: Path) -> None:
    bomb = Bomb(tmp_path / "mark")
    content = {"beside": {**STATE, "x": bomb}, "inside": {**STATE, "l.weight": bomb}, "as the options": [STATE, bomb]}
    torch.save(content[place], tmp_path / "w.pt")
    assert refused(tmp_path / "w.pt").code == "PG501"
    assert not (tmp_path / "mark").exists()


# ---------------------------------------------------------------- which of several


SEVERAL = {"model": STATE, "ema": AVERAGES}


@pytest.mark.parametrize("order", [("model", "ema"), ("ema", "model")])
def test_plain_weights_are_taken_and_the_averages_named(order: tuple[str, str], tmp_path: Path) -> None:
    torch.save({key: SEVERAL[key] for key in order}, tmp_path / "last.pt")
    outputs, notes = loaded(tmp_path / "last.pt")
    torch.testing.assert_close(outputs, TRAINED(X))
    assert "below 'model'" in notes
    assert "--weights last.pt:ema" in notes


def test_entry_that_is_asked_for(tmp_path: Path) -> None:
    torch.save(SEVERAL, tmp_path / "last.pt")
    options = LoadOptions(weights=tmp_path / "last.pt:ema")
    assert (options.weights_file, options.weights_entry) == (tmp_path / "last.pt", "ema")
    torch.testing.assert_close(loaded(tmp_path / "last.pt", entry="ema")[0], AVERAGED(X))
    error = refused(tmp_path / "last.pt", entry="emma")
    assert error.code == "PG201"
    assert "model, ema" in error.remedy


def test_equal_weights_under_two_names_need_no_choice(tmp_path: Path) -> None:
    torch.save({"state_dict": STATE, "model": STATE | {}}, tmp_path / "w.pt")
    assert "fit as well" not in loaded(tmp_path / "w.pt")[1]


def test_other_parts_of_the_training_program_are_named(tmp_path: Path) -> None:
    torch.save({**prefixed("net."), "loss.weight": torch.ones(3)}, tmp_path / "w.pt")
    assert "1 other tensors are not of this module: loss.weight" in loaded(tmp_path / "w.pt")[1]


# ---------------------------------------------------------------- buffers


def test_buffers_of_other_releases_are_said(tmp_path: Path) -> None:
    counted = {name: value for name, value in STATE.items() if "num_batches" not in name}
    torch.save({**counted, "position_ids": torch.arange(5)[None], "steps": torch.arange(3.0)}, tmp_path / "w.pt")
    outputs, notes = loaded(tmp_path / "w.pt")
    torch.testing.assert_close(outputs, TRAINED(X))
    assert "position_ids, steps of the file" in notes
    assert "other values" not in notes
    torch.save({**counted, "steps": torch.ones(3)}, tmp_path / "w.pt")
    assert "other values than the module computes for steps" in loaded(tmp_path / "w.pt")[1]


def test_integer_buffer_that_the_file_lacks_is_said(tmp_path: Path) -> None:
    class Positions(Net):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("position_ids", torch.arange(3))

    torch.save(STATE, tmp_path / "w.pt")
    assert "lacks position_ids" in loaded(tmp_path / "w.pt", Positions())[1]


WRONG = {
    "running statistics": (lambda s: s.pop("norm.running_mean"), "missing: norm.running_mean"),
    "parameter": (lambda s: s.pop("l.bias"), "missing: l.bias"),
    "another layer": (lambda s: s.update({"l2.weight": torch.ones(3, 3)}), "unexpected: l2.weight"),
    "size": (lambda s: s.update({"l.weight": torch.ones(3, 5)}), "different shape: l.weight [3, 5] for [3, 4]"),
    "integers": (lambda s: s.update({"l.weight": torch.ones(3, 4).to(torch.int8)}), "l.weight int8 for float32"),
    "another model": (lambda s: [s.clear(), s.update({"a.b": torch.ones(1)})], "none of its 1 tensors"),
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("prefix", ["", "module."])
def test_what_does_not_fit_is_named(name: str, prefix: str, tmp_path: Path) -> None:
    change, expected = WRONG[name]
    state = dict(STATE)
    change(state)
    torch.save(prefixed(prefix, state), tmp_path / "w.pt")
    error = refused(tmp_path / "w.pt")
    assert error.code == "PG402"
    assert expected in error.cause


# ---------------------------------------------------------------- other files


def test_shared_parameters_are_saved_once_by_safetensors(tmp_path: Path) -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4, bias=False)
            self.b.weight = self.a.weight

        def forward(self, x: torch.Tensor) -> Any:
            return self.b(self.a(x))

    torch.manual_seed(3)
    tied = Tied().eval()
    save_file({n: v for n, v in tied.state_dict().items() if n != "b.weight"}, tmp_path / "m.safetensors")
    torch.testing.assert_close(loaded(tmp_path / "m.safetensors", Tied())[0], tied(X))


def write_parts(folder: Path, suffix: str) -> Path:
    """Two files and their index, as transformers writes them."""
    names = sorted(STATE)
    stem = "model" if suffix == "safetensors" else "pytorch_model"
    parts = {f"{stem}-0000{n}-of-00002.{suffix}": names[n - 1 :: 2] for n in (1, 2)}
    for file, held in parts.items():
        content = {name: STATE[name].clone() for name in held}
        (save_file if suffix == "safetensors" else torch.save)(content, folder / file)
    index = folder / f"{stem}.{suffix}.index.json"
    index.write_text(json.dumps({"metadata": {}, "weight_map": {n: f for f, held in parts.items() for n in held}}))
    return index


@pytest.mark.parametrize("suffix", ["safetensors", "bin"])
def test_several_files_with_an_index(suffix: str, tmp_path: Path) -> None:
    index = write_parts(tmp_path, suffix)
    for given in (index, tmp_path):
        torch.testing.assert_close(loaded(given)[0], TRAINED(X))
    part = next(tmp_path.glob("*-00001-*"))
    assert index.name in refused(part).remedy
    part.unlink()
    assert part.name in refused(index).cause
    with pytest.raises(ParityGateError, match="only weights: 7 tensors"):
        detect(index)


def test_index_cannot_name_itself(tmp_path: Path) -> None:
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"l.weight": index.name}}))
    assert refused(index).code == "PG402"


def test_index_cannot_name_files_elsewhere(tmp_path: Path) -> None:
    index = write_parts(tmp_path, "bin")
    index.write_text(json.dumps({"weight_map": {"l.weight": "../w.bin"}}))
    assert refused(index).code == "PG502"


NOT_WEIGHTS: dict[str, Callable[[Path], Any]] = {
    "no file": lambda path: None,
    "text": lambda path: path.write_text("hello"),
    "empty": lambda path: path.write_bytes(b""),
    "damaged safetensors": lambda path: path.write_bytes((9).to_bytes(8, "little") + b'{"a": [}]'),
    "a long header": lambda path: path.write_bytes((1 << 62).to_bytes(8, "little") + b'{"a": {}}'),
    "TorchScript": lambda path: torch.jit.save(torch.jit.script(nn.Linear(2, 2)), str(path)),
    "numbers": lambda path: torch.save({"epoch": 3}, path),
}


@pytest.mark.parametrize("name", NOT_WEIGHTS)
def test_other_files_are_said_to_be_so(name: str, tmp_path: Path) -> None:
    NOT_WEIGHTS[name](tmp_path / "w.pt")
    assert refused(tmp_path / "w.pt").code in ("PG402", "PG202")


# ---------------------------------------------------------------- weights as the model


@pytest.mark.parametrize("name", ["w.ckpt", "w.pth", "w.bin", "w.pt", "w", "w.safetensors"])
def test_weights_given_as_the_model_say_what_they_are(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if path.suffix == ".safetensors":
        save_file(STATE, path)
    else:
        torch.save({"state_dict": prefixed("module."), "epoch": np.float64(3)}, path)
    with pytest.raises(ParityGateError) as caught:
        detect(path)
    assert caught.value.code == "PG402"
    assert "only weights: 7 tensors" in caught.value.cause
    assert "l.weight [3, 4]" in caught.value.cause
    assert f"--weights {name} --input" in caught.value.remedy
