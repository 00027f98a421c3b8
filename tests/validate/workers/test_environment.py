"""Variables of the environment: the libraries' reach a worker, secrets don't."""

from __future__ import annotations

from pathlib import Path

import pytest

from paritygate.validate.workers.environment import worker_environment

SECRETS = (
    *("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "GITHUB_TOKEN", "HF_TOKEN", "OPENAI_API_KEY", "DATABASE_URL"),
    *("TF_VAR_password", "TF_TOKEN_app_terraform_io", "SSH_AUTH_SOCK", "http_proxy", "PIP_INDEX_URL", "CI_JOB_TOKEN"),
    *(
        "CUDA_REGISTRY_TOKEN",
        "OMP_SECRET",
        "KERAS_API_KEY",
        "MY_VARIABLE",
        "PYTHONSTARTUP",
        "PYTHONINSPECT",
        "BASH_ENV",
    ),
)
NEEDED = (
    *("HOME", "LANG", "LC_ALL", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS"),
    *("CUDA_VISIBLE_DEVICES", "PYTHONHASHSEED", "VIRTUAL_ENV", "KERAS_BACKEND", "XLA_FLAGS", "TF_USE_LEGACY_KERAS"),
)


def environment(*also: str, **given: str) -> dict[str, str]:
    return worker_environment(given, Path("/job/tmp"), also)


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_stays_unless_it_is_named(name: str) -> None:
    assert "s3cret" not in environment(**{name: "s3cret"}).values()
    assert environment(name, **{name: "s3cret"})[name] == "s3cret"


@pytest.mark.parametrize("name", NEEDED)
def test_what_libraries_read_arrives(name: str) -> None:
    assert environment(**{name: "value"})[name] == "value"


@pytest.mark.parametrize("name", ["PATH", "PYTHONPATH", "LD_LIBRARY_PATH"])
def test_an_empty_entry_does_not_mean_the_current_folder(name: str) -> None:
    assert environment(**{name: ":/a::/b:"})[name] == "/a:/b"
    assert name not in environment(**{name: ":"})


def test_a_relative_folder_is_meant_in_pythonpath_only() -> None:
    given = environment(PYTHONPATH="src:/a", PATH="bin:/a", LD_LIBRARY_PATH=".:/a")
    assert given["PYTHONPATH"] == f"{Path('src').absolute()}:/a"
    assert (given["PATH"], given["LD_LIBRARY_PATH"]) == ("/a", "/a")


def test_temporary_files_go_to_the_workers_own_folder_and_nothing_reports_home() -> None:
    given = environment(TMPDIR="/tmp")
    assert {given[name] for name in ("TMPDIR", "TMP", "TEMP")} == {"/job/tmp"}
    assert (given["HF_HUB_DISABLE_TELEMETRY"], given["DO_NOT_TRACK"], given["PYTHONSAFEPATH"]) == ("1", "1", "1")
