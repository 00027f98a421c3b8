"""What a bundle holds, and what its receiver is told."""

from __future__ import annotations

import shutil
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from paritygate.gate.bundle import BundleOptions, bundle, verify
from paritygate.gate.bundle.card import card_of
from paritygate.gate.bundle.repeat import changes
from paritygate.validate.errors import ExitCode, ParityGateError
from paritygate.validate.report.types import Environment, Verdict

from .repacking import edit_json, members_of, with_new_sums, write


def test_the_receiver_is_told_that_it_passes_and_who_signed(signed: Path, keys: dict[str, Path]) -> None:
    report = verify(signed, key=keys["sender.pub"])
    assert report.verdict is Verdict.PASS
    told = {finding.where: finding.message for finding in report.findings}
    assert told["signature"] == "the key signed the bundle as it is"
    assert told["environment"] == "nothing changed since the proof"


def test_sha256sum_checks_the_manifest(signed: Path, tmp_path: Path) -> None:
    if shutil.which("sha256sum") is None:
        pytest.skip("coreutils are not installed")
    with zipfile.ZipFile(signed) as archive:
        archive.extractall(tmp_path)
    check = ["sha256sum", "--strict", "-c", "SHA256SUMS"]
    assert subprocess.run(check, cwd=tmp_path, check=False, capture_output=True).returncode == 0
    (tmp_path / "model" / "net.onnx").write_bytes(b"another")
    assert subprocess.run(check, cwd=tmp_path, check=False, capture_output=True).returncode != 0


def test_onnx_reads_the_test_data_and_the_model_gives_it(signed: Path, tmp_path: Path) -> None:
    """ONNX's own layout: a folder per sample, with input_0.pb and output_0.pb."""
    with zipfile.ZipFile(signed) as archive:
        archive.extractall(tmp_path)
    session = onnxruntime.InferenceSession(tmp_path / "model" / "net.onnx", providers=["CPUExecutionProvider"])
    folders = sorted((tmp_path / "data").iterdir())
    assert len(folders) > 5
    for folder in folders:
        given, wanted = (onnx.load_tensor(folder / f"{kind}_0.pb") for kind in ("input", "output"))
        (got,) = session.run(None, {given.name: onnx.numpy_helper.to_array(given)})
        allowed = onnx.load_tensor(tmp_path / "tolerances" / folder.name / "output_0.pb")
        want = onnx.numpy_helper.to_array(wanted)
        finite = np.isfinite(want)
        assert (np.abs(got - want)[finite] <= onnx.numpy_helper.to_array(allowed)[finite]).all()


def test_it_is_the_same_to_the_byte(network: Path, signed: Path, tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "again.parity.zip"
    bundle(network, path, BundleOptions(artifact="net.onnx", licence="apache-2.0"))
    first = {name: content for name, content in members_of(signed).items() if not name.startswith("signatures/")}
    assert members_of(path) == first
    with zipfile.ZipFile(path) as archive:
        assert [m.filename for m in archive.infolist()] == sorted(first)
        assert {m.date_time for m in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert not any(str(tmp_path).encode() in content or b"/tmp" in content for content in first.values())


def test_nothing_is_written_unless_parity_holds(tmp_path: Path) -> None:
    text = '<ir_version: 8, opset_import: ["" : 17]> net (float[N,3] x) => (float[N,3] y) { y = RandomNormalLike(x) }'
    onnx.save(onnx.parser.parse_model(text), tmp_path / "random.onnx")
    found = bundle(tmp_path / "random.onnx", tmp_path / "out.parity.zip", localise=False)
    assert not found.report.passed
    assert found.path is None
    assert [path.name for path in tmp_path.iterdir()] == ["random.onnx"]


def test_without_values_parity_is_not_claimed(network: Path, tmp_path: Path) -> None:
    path = tmp_path / "net.parity.zip"
    assert bundle(network, path, BundleOptions(redact=True)).report.passed
    members = members_of(path)
    assert not any(name.startswith(("data/", "tolerances/")) for name in members)
    assert b'"worst": null' in members["report.json"]
    report = verify(path)
    assert report.exit_code is ExitCode.INCONCLUSIVE
    assert "PG345" in {finding.code for finding in report.findings}
    claimed = write(with_new_sums(edit_json(members, "parity.json", lambda facts: facts.update(redacted=False))), path)
    with pytest.raises(ParityGateError) as refused:
        verify(claimed)
    assert refused.value.code == "PG440"


@pytest.mark.parametrize(
    ("keywords", "code"),
    [({"quantize": "dynamic"}, "PG240"), ({"rtol": 1.0}, "PG201")],
)
def test_what_can_not_be_bundled_is_refused_before_any_work(network, tmp_path, keywords, code) -> None:
    with pytest.raises(ParityGateError) as refused:
        bundle(network, tmp_path / "out.zip", **keywords)
    assert refused.value.code == code


def test_a_provider_that_is_not_there_is_named(signed: Path) -> None:
    with pytest.raises(ParityGateError) as refused:
        verify(signed, provider="NoSuchExecutionProvider")
    assert refused.value.code == "PG201"


def test_another_machine_is_told_apart() -> None:
    here = Environment({"onnxruntime": "1.31.1"}, "ONNX Runtime", "CPUExecutionProvider", "A", ("avx2",))
    there = replace(here, versions={"onnxruntime": "1.20.0"}, provider="CUDAExecutionProvider", cpu="B")
    (note,) = changes(there, here)
    for part in ("onnxruntime 1.20.0 there, 1.31.1 here", "CUDAExecutionProvider there", "processor B there, A here"):
        assert part in note.message


def test_the_hub_reads_the_card(signed: Path) -> None:
    hub = pytest.importorskip("huggingface_hub")
    card = hub.ModelCard(members_of(signed)["README.md"].decode())
    assert card.data.license == "apache-2.0"
    assert card.data.tags == ["paritygate"]
    assert card.data.library_name == "onnx"


def test_names_in_the_card_are_no_markup(signed: Path) -> None:
    report = verify(signed)
    text = card_of(replace(report, reference=replace(report.reference, path="<b>\n# x")), "a|b.onnx", "", ())
    assert "<b>" not in text.replace("\\<b\\>", "")
    assert "\n# x" not in text
