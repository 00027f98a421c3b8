"""A bundle comes from a stranger: what contradicts itself, is not signed or could harm is refused."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest

from paritygate.gate.bundle import verify
from paritygate.gate.bundle.archive import read_archive
from paritygate.gate.bundle.layout import decode
from paritygate.gate.bundle.sign import check_signature
from paritygate.validate.errors import ExitCode, ParityGateError
from paritygate.validate.report.types import Verdict

from .repacking import Members, edit_json, members_of, with_new_sums, write

OUTPUT, ALLOWED = (f"{folder}/test_data_set_1/output_0.pb" for folder in ("data", "tolerances"))


def _swapped(members: Members) -> Members:
    model = onnx.load_from_string(members["model/net.onnx"])
    weights = onnx.numpy_helper.to_array(model.graph.initializer[0]).copy()
    weights[0, 0] += 0.01
    model.graph.initializer[0].CopyFrom(onnx.numpy_helper.from_array(weights, "w"))
    return members | {"model/net.onnx": model.SerializeToString()}


def _altered(members: Members) -> Members:
    tensor = onnx.load_tensor_from_string(members[OUTPUT])
    array = onnx.numpy_helper.to_array(tensor) + np.float32(0.01)
    return members | {OUTPUT: onnx.numpy_helper.from_array(array, tensor.name).SerializeToString()}


def _widened(members: Members) -> Members:
    def change(facts):
        facts["tolerances"]["y"]["atol"] = 1e9

    return edit_json(members, "parity.json", change)


def _without_allowance(members: Members) -> Members:
    """Fewer allowances than elements: what is absent may not count as allowed."""
    tensor = onnx.numpy_helper.from_array(np.zeros((0,)), "y")
    return members | {ALLOWED: tensor.SerializeToString()}


def _allowing(value: float) -> Callable[[Members], Members]:
    def change(members: Members) -> Members:
        array = onnx.numpy_helper.to_array(onnx.load_tensor_from_string(members[ALLOWED]))
        tensor = onnx.numpy_helper.from_array(np.full_like(array, value), "y")
        return members | {ALLOWED: tensor.SerializeToString()}

    return change


def _other_report(members: Members) -> Members:
    return edit_json(members, "report.json", lambda report: report["result"]["candidate"].update(sha256="0" * 64))


def _failed_report(members: Members) -> Members:
    return edit_json(members, "report.json", lambda report: report.update(status="fail"))


def _no_samples(members: Members) -> Members:
    return edit_json(members, "parity.json", lambda facts: facts.update(samples=[]))


def _one_output_fewer(members: Members) -> Members:
    return edit_json(members, "parity.json", lambda facts: facts["reference"].update(outputs=[]))


def _added(members: Members) -> Members:
    return members | {"model/extra.bin": b"x"}


def _removed(members: Members) -> Members:
    return {name: content for name, content in members.items() if name != OUTPUT}


CHANGES = {
    "model swapped": _swapped,
    "output altered": _altered,
    "tolerance changed": _widened,
    "allowance removed": _without_allowance,
    "infinite allowance": _allowing(float("inf")),
    "NaN allowance": _allowing(float("nan")),
    "negative allowance": _allowing(-1.0),
    "report of another model": _other_report,
    "report of a failure": _failed_report,
    "no samples": _no_samples,
    "no outputs": _one_output_fewer,
    "file added": _added,
    "file removed": _removed,
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_file_does_not_have_its_hash(change: str, signed: Path, tmp_path: Path) -> None:
    path = write(CHANGES[change](members_of(signed)), tmp_path / "bundle.zip")
    with pytest.raises(ParityGateError) as refused:
        verify(path)
    assert refused.value.exit_code is ExitCode.SOURCE


@pytest.mark.parametrize("change", CHANGES)
def test_hashes_made_again_do_not_help(change: str, signed: Path, keys: dict[str, Path], tmp_path: Path) -> None:
    """Refused without a key where parts contradict each other; an altered output fails; with a key all are refused."""
    path = write(with_new_sums(CHANGES[change](members_of(signed))), tmp_path / "bundle.zip")
    with pytest.raises(ParityGateError) as refused:
        verify(path, key=keys["sender.pub"])
    assert refused.value.exit_code in (ExitCode.SOURCE, ExitCode.UNSAFE)
    if change == "output altered":
        assert verify(path).verdict is Verdict.FAIL
    else:
        with pytest.raises(ParityGateError) as refused:
            verify(path)
        assert refused.value.code == "PG440"


def test_a_wider_allowance_is_caught_by_the_signature(signed: Path, keys: dict[str, Path], tmp_path: Path) -> None:
    path = write(with_new_sums(_allowing(1.0)(members_of(signed))), tmp_path / "bundle.zip")
    with pytest.raises(ParityGateError) as refused:
        verify(path, key=keys["sender.pub"])
    assert refused.value.code == "PG540"
    told = {finding.where: finding.message for finding in verify(path).findings}
    assert told["signature"].startswith("it was not checked")


def test_a_strangers_key_and_no_signature_are_refused(signed: Path, keys: dict[str, Path], tmp_path: Path) -> None:
    members = members_of(signed)
    unsigned = {name: content for name, content in members.items() if not name.startswith("signatures/")}
    half = {name: content for name, content in members.items() if name != "signatures/model.sig"}
    cases = [
        (signed, "stranger.pub"),
        (write(unsigned, tmp_path / "unsigned.zip"), "sender.pub"),
        (write(half, tmp_path / "half.zip"), "sender.pub"),
    ]
    for path, key in cases:
        with pytest.raises(ParityGateError) as refused:
            verify(path, key=keys[key])
        assert refused.value.code == "PG540"


def test_the_statement_is_about_this_model(signed: Path, keys: dict[str, Path], tmp_path: Path) -> None:
    """Also where the files themselves are those that were signed."""
    read_archive(signed, tmp_path)
    facts = decode(tmp_path / "parity.json")
    check_signature(tmp_path, keys["sender.pub"], facts)
    with pytest.raises(ParityGateError) as refused:
        check_signature(tmp_path, keys["sender.pub"], replace(facts, files={"net.onnx": "0" * 64}))
    assert (refused.value.code, refused.value.subject) == ("PG540", "signatures/parity.dsse.json")


def _link() -> zipfile.ZipInfo:
    member = zipfile.ZipInfo("link")
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    return member


HOSTILE = {
    "parent folder": ("../evil", b""),
    "absolute": ("/tmp/evil", b""),
    "inner parent": ("model/../../evil", b""),
    "backslash": ("..\\evil", b""),
    "drive": ("C:evil", b""),
    "folder": ("model/", b""),
    "control character": ("a\nb", b""),
    "link": (_link(), b"/etc/passwd"),
    "duplicate": ("SHA256SUMS", b""),
    "duplicate by case": ("sha256sums", b""),
    "file as folder": ("SHA256SUMS/x", b""),
}


@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_hostile_member_is_refused_and_nothing_written(case: str, tmp_path: Path) -> None:
    path, folder = tmp_path / "bundle.zip", tmp_path / "out"
    folder.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("SHA256SUMS", b"")
        archive.writestr(*HOSTILE[case])
    with pytest.raises(ParityGateError) as refused:
        read_archive(path, folder)
    assert refused.value.code == "PG541"
    assert refused.value.exit_code is ExitCode.UNSAFE
    assert list(folder.iterdir()) == []


def test_a_bomb_is_refused(tmp_path: Path) -> None:
    path, folder = tmp_path / "bundle.zip", tmp_path / "out"
    folder.mkdir()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("big", bytes(10_000_000))
    assert path.stat().st_size < 20_000
    with pytest.raises(ParityGateError) as refused:
        read_archive(path, folder)
    assert refused.value.code == "PG541"
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04" + bytes(100)])
def test_what_is_no_zip_is_damaged(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "bundle.zip"
    path.write_bytes(content)
    with pytest.raises(ParityGateError) as refused:
        verify(path)
    assert refused.value.code == "PG440"


def test_a_flipped_bit_is_damage(signed: Path, tmp_path: Path) -> None:
    content = bytearray(signed.read_bytes())
    content[len(content) // 3] ^= 0x10
    path = tmp_path / "bundle.zip"
    path.write_bytes(content)
    with pytest.raises(ParityGateError) as refused:
        verify(path)
    assert refused.value.exit_code in (ExitCode.SOURCE, ExitCode.UNSAFE)
