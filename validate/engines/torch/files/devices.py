"""TorchScript and exported programs that were saved on a GPU, for the CPU: their code and attributes name the device.

``torch.jit.load(map_location="cpu")`` moves tensors only. A traced ``x.to("cuda:0")`` or ``torch.zeros(3, device=...)``
stays as it is, and fails where there is no such device.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import re
import zipfile

from .container import Container, damaged

_KINDS = "cuda|mps|xpu|hpu|npu|xla|hip|privateuseone"
_NAME = re.compile(rf"(?:{_KINDS})(?::\d+)?")
_DEVICE = re.compile(rf'torch\.device\("({_NAME.pattern})"\)')
_MOVE = re.compile(r"\btorch\.cuda\(")
_TYPE = re.compile(rf'"type": ?"({_KINDS})", ?"index": ?(\d+|null)')
_TEXTS = {"BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"}


def on_cpu(container: Container) -> tuple[io.BytesIO, tuple[str, ...]] | None:
    """The file with the CPU in place of every other device, and what these were; None if it names no other one.

    Raises ParityGateError PG402 for a damaged file.
    """
    changed: dict[str, bytes] = {}
    devices: set[str] = set()
    for name in container.members:
        kind = name.rpartition(".")[2]
        if kind not in ("py", "json", "pkl"):
            continue
        content = container.read(name)
        other, seen = _pickle(container, name, content) if kind == "pkl" else _text(content)
        if seen:
            changed[name] = other
            devices |= seen
    return (_rewritten(container, changed), tuple(sorted(devices))) if changed else None


def _text(content: bytes) -> tuple[bytes, set[str]]:
    """TorchScript's code, and the JSON of a program."""
    text = content.decode("utf-8", "surrogateescape")
    moves = {"cuda"} if _MOVE.search(text) else set()
    seen = set(_DEVICE.findall(text)) | {kind for kind, _ in _TYPE.findall(text)} | moves
    text = _MOVE.sub("torch.cpu(", _DEVICE.sub('torch.device("cpu")', text))
    return _TYPE.sub('"type": "cpu", "index": null', text).encode("utf-8", "surrogateescape"), seen


def moved_note(devices: tuple[str, ...]) -> tuple[str, ...]:
    """What is said of a file that :func:`on_cpu` has changed; nothing for none."""
    return (f"it was saved for {', '.join(devices)}, and runs on the CPU here",) if devices else ()


def _pickle(container: Container, name: str, content: bytes) -> tuple[bytes, set[str]]:
    """Texts that are names of devices: the places of storages, and attributes of the module."""
    try:
        opcodes = list(pickletools.genops(content))
    except (ValueError, pickle.UnpicklingError) as error:
        raise damaged(container.path, f"{name} is not a complete pickle ({error})") from error
    places = [place for _, _, place in opcodes[1:]] + [len(content)]
    parts: list[bytes] = []
    seen: set[str] = set()
    for (opcode, argument, start), end in zip(opcodes, places, strict=True):
        if opcode.name in _TEXTS and _NAME.fullmatch(str(argument)):
            seen.add(str(argument))
            parts.append(b"X\x03\x00\x00\x00cpu")
        else:
            parts.append(content[start or 0 : end])
    return b"".join(parts), seen


def _rewritten(container: Container, changed: dict[str, bytes]) -> io.BytesIO:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in container.members:
            archive.writestr(name, changed.get(name) or container.read(name))
    out.seek(0)
    return out
