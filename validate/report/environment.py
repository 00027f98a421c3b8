"""What the figures of a report depend on: files, versions, the processor."""

from __future__ import annotations

import hashlib
import platform
from pathlib import Path
from typing import TYPE_CHECKING

from ..doctor import versions
from .types import Environment

if TYPE_CHECKING:
    from ..engines.base import Runtime

_CPU_FLAGS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "f16c")
_HASHED_BYTES = 1 << 20


def describe_environment(runtime: Runtime) -> Environment:
    """This machine, its installed libraries, and the candidate's runtime."""
    model, flags = describe_processor()
    return Environment(
        versions={"python": platform.python_version()} | versions(),
        engine=runtime.name,
        provider=runtime.provider,
        cpu=model,
        cpu_flags=flags,
    )


def describe_processor() -> tuple[str, tuple[str, ...]]:
    """Its model, and the flags that change arithmetic."""
    model, flags = _cpu()
    return model, tuple(flag for flag in _CPU_FLAGS if flag in flags)


def sha256_of(path: Path) -> str:
    """Of a file's bytes; of a package's files in the order of their names, each name before its bytes."""
    digest = hashlib.sha256()
    for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
        if file.is_dir():
            continue
        if file != path:
            digest.update(file.relative_to(path).as_posix().encode())
        with file.open("rb") as written:
            while block := written.read(_HASHED_BYTES):
                digest.update(block)
    return digest.hexdigest()


def _cpu() -> tuple[str, frozenset[str]]:
    """Model name and instruction set flags; Linux tells them, other systems only the architecture."""
    file = Path("/proc/cpuinfo")
    if not file.is_file():
        return platform.processor() or platform.machine(), frozenset()
    fields = dict(line.split(":", 1) for line in file.read_text().split("\n\n")[0].splitlines() if ":" in line)
    entries = {key.strip(): value.strip() for key, value in fields.items()}
    return entries.get("model name", platform.machine()), frozenset(entries.get("flags", "").split())
