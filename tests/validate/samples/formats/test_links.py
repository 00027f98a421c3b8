"""Links in a folder of samples: they may not lead out of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from onnx import numpy_helper
from PIL import Image
from sample_helpers import only, refused, signature, spec

from paritygate.validate.samples import read_samples

PICTURES, VECTORS = signature(spec("x", "float32", "N", 3, 5, 6)), signature(spec("x", "float32", "N", 2))


def picture(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4), (10, 20, 30)).save(path)
    return path


def tensor(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(numpy_helper.from_array(np.ones((1, 2), np.float32)).SerializeToString())
    return path


def linked_picture(folder: Path) -> None:
    picture(folder / "own.png")
    (folder / "other.png").symlink_to(picture(folder.parent / "private.png"))


def linked_tensor(folder: Path) -> None:
    folder.mkdir()
    (folder / "input_0.pb").symlink_to(tensor(folder.parent / "private.pb"))


def linked_data_set(folder: Path) -> None:
    folder.mkdir()
    (folder / "test_data_set_0").symlink_to(tensor(folder.parent / "private" / "input_0.pb").parent)


@pytest.mark.parametrize(
    ("make", "model"), [(linked_picture, PICTURES), (linked_tensor, VECTORS), (linked_data_set, VECTORS)]
)
def test_a_link_out_of_the_folder_is_refused(make: Callable[[Path], None], model, tmp_path: Path):
    make(tmp_path / "samples")
    with refused("PG502", "out of the folder"):
        read_samples(tmp_path / "samples", model)


def test_links_inside_the_folder_and_to_it_are_followed(tmp_path: Path):
    folder = tmp_path / "samples"
    (folder / "again.png").symlink_to(picture(folder / "deep" / "own.png"))
    (tmp_path / "link").symlink_to(folder)
    assert only(read_samples(tmp_path / "link", PICTURES))["x"].shape == (2, 3, 5, 6)


def test_a_pipe_is_no_tensor(tmp_path: Path):
    os.mkfifo(tmp_path / "input_0.pb")
    with refused("PG203", "not a regular file"):
        read_samples(tmp_path, VECTORS)
