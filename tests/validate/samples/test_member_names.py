"""Every name is stored under a name that is safe to list and to unpack, and can be read back."""

from __future__ import annotations

import io
from pathlib import PurePosixPath

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paritygate.validate.errors import ParityGateError
from paritygate.validate.samples.job_file import save_arrays
from paritygate.validate.samples.member_names import array_name, member_name

NAMES = ("y", "dense/BiasAdd:0", "StatefulPartitionedCall:0", "0/x", "a.b", "a b", "Größe", "file", "allow_pickle")


@pytest.mark.parametrize("name", NAMES)
def test_usual_names_stay_as_they_are(name: str) -> None:
    assert member_name(name) == name


ODD = (
    "",
    "%",
    "%25",
    ".",
    "..",
    "../../x",
    "/etc/passwd",
    "a//b",
    "a/",
    "/",
    "//",
    "a\\b",
    "y.npy",
    "\x1b[31m",
    "a\0b",
)


@given(st.one_of(st.sampled_from(ODD), st.text(), st.text(alphabet="./%\\\0\x1b2Fnpy", max_size=12)))
def test_every_name_is_safe_and_comes_back(name: str) -> None:
    stored = member_name(name)
    assert array_name(stored) == name
    assert stored.isprintable()
    assert "\\" not in stored
    assert not stored.endswith(".npy")
    parts = stored.split("/")
    assert not {"", ".", ".."} & set(parts)
    assert not PurePosixPath(stored).is_absolute()


def test_numpy_reads_every_array_under_its_name() -> None:
    names = [*NAMES, *ODD, "compress", "kwds"]
    file = io.BytesIO()
    save_arrays({name: np.array([number]) for number, name in enumerate(names)}, file)
    file.seek(0)
    with np.load(file, allow_pickle=False) as archive:
        assert {array_name(key): int(archive[key][0]) for key in archive.files} == {
            name: number for number, name in enumerate(names)
        }


def test_a_name_that_no_archive_can_hold_is_refused() -> None:
    with pytest.raises(ParityGateError, match="PG205"):
        member_name("x" * 100_000)
