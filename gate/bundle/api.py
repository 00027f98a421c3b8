"""The library's door: ``from paritygate.gate.bundle import bundle, verify``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Unpack

from ...convert.options import ConvertKeywords, ConvertOptions
from ...validate.errors import ParityGateError
from ...validate.files.leftovers import clear_abandoned
from ...validate.files.output import check_output, explaining
from ...validate.files.replace import replace as replace_file
from ...validate.files.replace import staged
from ...validate.keywords import with_keywords
from ...validate.options import RunOptions
from ...validate.report.types import Finding, Severity

if TYPE_CHECKING:
    from ...convert.conversion import Conversion
    from ...validate.report.report import Report

_SUFFIX = ".parity.zip"


@dataclass(frozen=True, slots=True)
class BundleOptions:
    """What a bundle holds in addition to the proof.

    ``artifact`` is the model's name in it (None: the bundle's own name, with .onnx), ``licence`` an SPDX identifier,
    ``licence_file`` the text, ``sign`` a private key (PEM). ``redact`` leaves sample values out.
    """

    artifact: str | None = None
    licence: str = ""
    licence_file: Path | None = None
    sign: Path | None = None
    redact: bool = False


def bundle(
    source: Any,
    output: str | Path,
    contents: BundleOptions = BundleOptions(),
    options: ConvertOptions = ConvertOptions(),
    **keywords: Unpack[ConvertKeywords],
) -> Conversion:
    """Convert ``source``, prove parity, and only then write the bundle ``output``, a zip file.

    Options and keywords are those of :func:`paritygate.convert.convert`. Raises ParityGateError for everything but a
    verdict: PG240 for a proof that can't be repeated without the source, PG226 for ``sign`` without the extra.
    """
    from ...convert.conversion import Conversion
    from ...convert.export import publish
    from ...convert.pipeline import unpublished
    from ...convert.targets import choose_target
    from ...validate.workers.job_folder import temporary_folder
    from .archive import write_archive
    from .create import Contents, own_report, write_bundle
    from .layout import FACTS, MODEL, decode
    from .repeat import unpacked
    from .sign import sign

    path, chosen = Path(output), with_keywords(options, keywords)
    if chosen.target.quantize is not None:
        raise ParityGateError(
            "PG240", "--quantize", "a quantised model passes by a budget, which a receiver can't check"
        )
    inputs = [Path(source)] if isinstance(source, str | Path) and Path(source).exists() else []
    check_output(path, inputs=[*inputs, *filter(None, (contents.sign, contents.licence_file))])
    with temporary_folder() as place:
        folder = unpacked(place)
        (folder / MODEL).mkdir(parents=True)
        artifact = folder / MODEL / _name(contents.artifact or f"{path.name.removesuffix(_SUFFIX)}.onnx")
        target = choose_target(artifact, chosen.target.to)
        with unpublished(source, artifact, chosen) as found:
            if found.candidate is None:
                return Conversion(found.report, None)
            publish(found.candidate, artifact, keep=True)
            more = Contents(contents.licence, contents.licence_file, contents.redact)
            found = replace(found, report=own_report(found.report, artifact))
            write_bundle(folder, artifact, found, target.format.name, more)
        if contents.sign is not None:
            sign(folder, contents.sign, decode(folder / FACTS))
        with explaining(str(path)):
            clear_abandoned(path.parent)
            with staged(path) as partial:
                write_archive(folder, partial)
                replace_file(partial, path)
    return Conversion(found.report, path)


def verify(file: str | Path, *, key: Path | None = None, provider: str = "", run: RunOptions = RunOptions()) -> Report:
    """Check a bundle's hashes, its signature where ``key`` (a public key, PEM) is given, and parity on this machine.

    ``provider`` is the execution provider of ONNX Runtime to run on. The report's ``passed`` is the verdict; it says
    what changed since the proof. Raises ParityGateError PG440 for a damaged bundle, PG541 for an unsafe one, PG540
    where the signature is wrong.
    """
    from ...validate.workers.job_folder import job_folder, temporary_folder
    from .archive import read_archive
    from .open import open_bundle
    from .repeat import repeat, unpacked
    from .sign import check_signature, is_signed

    with temporary_folder() as place, job_folder(run.keep) as job:
        folder = unpacked(place)
        folder.mkdir()
        read_archive(Path(file), folder)
        opened = open_bundle(folder)
        if key is not None:
            check_signature(folder, key, opened.facts)
        return repeat(opened, job, run, provider, (_trust(checked=key is not None, signed=is_signed(folder)),))


def _trust(*, checked: bool, signed: bool) -> Finding:
    if checked:
        return Finding("", Severity.NOTE, "signature", "the key signed the bundle as it is")
    if signed:
        message = "it was not checked: hashes alone tell damage, they don't tell who made the bundle"
        return Finding("", Severity.WARNING, "signature", message, "Give the sender's public key with --key.")
    message = "the bundle has none: hashes alone tell damage, they don't tell who made the bundle"
    return Finding("", Severity.WARNING, "signature", message, "Ask the sender for a signed bundle.")


def _name(artifact: str) -> str:
    if artifact != Path(artifact).name or not artifact.isprintable() or "\\" in artifact:
        raise ParityGateError("PG201", f"--artifact {artifact}", "it must be a plain file name", "E.g. model.onnx.")
    return artifact
