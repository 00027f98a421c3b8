"""An OUTPUT that couldn't be written at the end is refused at the beginning, with the cause."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from paritygate.validate.errors import ParityGateError
from paritygate.validate.files.output import check_output, check_space, explained, explaining


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


IN_THE_WAY: dict[str, tuple[Callable[[Path], object], str]] = {
    "a folder": (Path.mkdir, "a folder is in the way"),
    "a FIFO": (os.mkfifo, "a named pipe is in the way"),
    "a socket": (_socket, "a socket is in the way"),
    "a link": (lambda path: path.symlink_to("/dev/null"), "a symbolic link is in the way"),
    "a dangling link": (lambda path: path.symlink_to("nowhere"), "a symbolic link is in the way"),
}


@pytest.mark.parametrize("what", IN_THE_WAY)
def test_what_is_no_file_stays(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the address of a socket is short
    make, said = IN_THE_WAY[what]
    make(Path("out.onnx"))
    before = os.lstat("out.onnx")
    with pytest.raises(ParityGateError, match=said) as caught:
        check_output(Path("out.onnx"))
    assert caught.value.code == "PG205"
    assert os.lstat("out.onnx") == before


PLACES = {
    "a device": ("/dev/null", "a device is in the way"),
    "no folder": ("missing/out.onnx", "does not exist"),
    "a file for a folder": ("file/out.onnx", "is not a folder"),
    "a long name": ("x" * 240 + ".onnx", "the name has 245 bytes"),
    "a longer name": ("x" * 300, "the name is too long"),
    "a NUL": ("a\0b.onnx", "no file can have this name"),
}


@pytest.mark.parametrize("what", PLACES)
def test_a_place_that_can_not_be_written_to(what: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    name, said = PLACES[what]
    with pytest.raises(ParityGateError, match=said) as caught:
        check_output(tmp_path / name)
    assert caught.value.code == "PG205"


@pytest.mark.parametrize("made_by", [None, "symlink_to", "hardlink_to"])
def test_an_input_is_never_replaced(made_by: str | None, tmp_path: Path) -> None:
    source = tmp_path / "model.onnx"
    source.write_bytes(b"model")
    given = source
    if made_by:
        given = tmp_path / "other.onnx"
        getattr(given, made_by)(source)
    for path in (source, tmp_path / "." / "model.onnx"):
        with pytest.raises(ParityGateError, match="it is the input"):
            check_output(path, inputs=[given])


@pytest.mark.parametrize(
    ("name", "refused"),
    [
        ("model/saved_model.pb", True),
        ("model/variables/variables.index", True),
        ("model/model.onnx", False),
        ("model.onnx", False),
    ],
)
def test_only_what_belongs_to_a_folder_is_part_of_it(name: str, refused: bool, tmp_path: Path) -> None:
    (tmp_path / "model" / "variables").mkdir(parents=True)
    (tmp_path / name).touch()
    with pytest.raises(ParityGateError, match="part of the input") if refused else nullcontext():
        check_output(tmp_path / name, inputs=[tmp_path / "model"])


def test_a_package_that_holds_an_input_is_not_replaced(tmp_path: Path) -> None:
    inner = tmp_path / "Model.mlpackage" / "Data"
    inner.mkdir(parents=True)
    (inner / "model.mlmodel").touch()
    with pytest.raises(ParityGateError, match="it is the input"):
        check_output(tmp_path / "Model.mlpackage", inputs=[inner / "model.mlmodel"], replaceable=lambda path: True)


def test_a_regular_file_and_a_new_name_are_fine(tmp_path: Path) -> None:
    (tmp_path / "old.onnx").touch()
    for name in ("old.onnx", "new.onnx", "ü 模型.onnx"):
        check_output(tmp_path / name, inputs=[tmp_path / "source.keras"])


def test_a_disk_that_is_too_small_is_named_with_its_space(tmp_path: Path) -> None:
    with pytest.raises(ParityGateError, match=r"only .* MiB are free .* MiB are needed"):
        check_space(tmp_path, size=1 << 62)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "no space"),
        (errno.EACCES, "may not write"),
        (errno.EROFS, "only be read"),
        (errno.EDQUOT, "quota"),
    ],
)
def test_a_refusal_of_the_system_is_explained(number: int, said: str) -> None:
    with pytest.raises(ParityGateError, match=said) as caught, explaining("out.onnx"):
        raise OSError(number, os.strerror(number), "/somewhere/else")
    assert (caught.value.code, caught.value.subject) == ("PG205", "out.onnx")


def test_an_error_that_may_be_a_bug_is_not_explained_away() -> None:
    assert explained(OSError(errno.ENOENT, "no such file")) is None
    with pytest.raises(FileNotFoundError), explaining("out.onnx"):
        Path("/no/such/file").read_text()
