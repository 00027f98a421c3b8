"""``paritygate bundle`` and ``paritygate verify`` from the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def paritygate(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "paritygate.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_verify_prints_the_verdict_and_exits_with_it(signed: Path, keys: dict[str, Path]) -> None:
    done = paritygate("verify", signed, "--key", keys["sender.pub"])
    assert done.returncode == 0
    assert "PASS: 1 of 1 outputs agree" in done.stdout
    assert paritygate("verify", signed, "--key", keys["stranger.pub"]).returncode == 5
    assert paritygate("verify", signed.with_name("missing.zip")).returncode == 2


def test_bundle_says_what_was_written(network: Path, tmp_path: Path) -> None:
    path = tmp_path / "net.parity.zip"
    done = paritygate("bundle", network, "-o", path, "--redact")
    assert done.returncode == 0
    assert f"written: {path}" in done.stdout
    assert path.is_file()
    assert paritygate("verify", path).returncode == 3
