"""Samples from images."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from sample_helpers import X4, joined, only, refused, save_images, signature, spec

from paritygate.validate.samples import read_samples

IMAGE_CASES = [
    # the model's input, the range given, the function that makes its values of uint8 pixels in N, H, W, C
    (spec("x", "uint8", "N", 6, 8, 3), {}, lambda p: p),
    (spec("x", "float32", "N", 6, 8, 3), {}, lambda p: (p / 255).astype(np.float32)),
    (spec("x", "float32", "N", 3, 6, 8), {}, lambda p: (p / 255).astype(np.float32).transpose(0, 3, 1, 2)),
    (spec("x", "float32", "N", 6, 8, 3), {"x": (0.0, 255.0)}, lambda p: p.astype(np.float32)),
    (spec("x", "float64", "N", 6, 8, 3), {"x": (-1.0, 1.0)}, lambda p: -1 + p * (2 / 255)),
    (spec("x", "int8", "N", 6, 8, 3), {}, lambda p: (p.astype(int) - 128).astype(np.int8)),
    (spec("x", "float16", "N", "H", "W", 3), {}, lambda p: (p / 255).astype(np.float16)),
]


@pytest.mark.parametrize(("wanted", "ranges", "expected"), IMAGE_CASES)
def test_images_take_the_models_layout_and_dtype(tmp_path, wanted, ranges, expected):
    pixels = np.stack(save_images(tmp_path / "pics", (8, 6), (8, 6), (8, 6)))
    samples = read_samples(tmp_path / "pics", signature(wanted), ranges=ranges)
    got = joined(samples, "x")
    assert got.dtype == np.dtype(wanted.dtype)
    np.testing.assert_array_equal(got, expected(pixels))
    assert samples.batch_sizes == (1, 2)
    assert "RGB pixels from" in samples.notes[0]


def test_images_are_resized_as_pillow_does(tmp_path):
    pixels = save_images(tmp_path / "pics", (20, 10))
    got = only(read_samples(tmp_path / "pics", signature(spec("x", "uint8", 1, 3, 6, 8))))["x"]
    expected = np.asarray(Image.fromarray(pixels[0]).resize((8, 6), Image.Resampling.BILINEAR))
    np.testing.assert_array_equal(got, expected.transpose(2, 0, 1)[None])


@pytest.mark.parametrize(
    "wanted", [spec("x", "uint8", "N", 6, 8), spec("x", "uint8", "N", 6, 8, 1), spec("x", "uint8", 1, 1, 6, 8)]
)
def test_one_channel_means_greyscale(tmp_path, wanted):
    pixels = save_images(tmp_path / "pics", (8, 6))
    got = only(read_samples(tmp_path / "pics", signature(wanted)))["x"]
    np.testing.assert_array_equal(got.reshape(6, 8), np.asarray(Image.fromarray(pixels[0]).convert("L")))


def test_different_sizes_are_fed_separately(tmp_path):
    save_images(tmp_path / "pics", (8, 6), (8, 6), (10, 6))
    samples = read_samples(tmp_path / "pics", signature(spec("x", "uint8", "N", "H", "W", 3)))
    assert [feed["x"].shape for feed in samples.feeds] == [(2, 6, 8, 3), (1, 6, 10, 3)]


@pytest.mark.parametrize("suffix", [".jpg", ".bmp", ".webp"])
def test_other_formats_and_folders_below_are_read(tmp_path, suffix):
    below = tmp_path / "pics" / "class"
    below.mkdir(parents=True)
    (tmp_path / "pics" / "readme.txt").write_text("no image")
    Image.new("RGB", (8, 6), (200, 100, 50)).save(below / f"a{suffix}")
    got = only(read_samples(tmp_path / "pics", signature(spec("x", "uint8", "N", 6, 8, 3))))["x"]
    assert abs(got.astype(int) - [200, 100, 50]).max() <= 3  # lossy formats round one flat colour


def test_a_single_image_is_read(tmp_path):
    save_images(tmp_path, (8, 6))
    assert only(read_samples(tmp_path / "a.png", signature(spec("x", "uint8", "N", 6, 8, 3))))["x"].shape == (
        1,
        6,
        8,
        3,
    )


BAD_IMAGES = [
    ("PG206", None, {}, "doesn't declare which images"),
    ("PG204", signature(spec("x", "uint8", "N", 6, 8, 3), X4), {}, "the model has 2"),
    ("PG204", signature(spec("x", "uint8", "N", 3, 8, 3)), {}, "channels"),
    ("PG204", signature(spec("x", "uint8", "N", 5, 6, 8)), {}, "channels"),
    ("PG204", signature(spec("x", "float32", 3, 6, 8)), {}, "channels"),
    ("PG204", signature(spec("x", "float32", "N", 5)), {}, "channels"),
    ("PG204", signature(spec("x", "str", "N", 6, 8, 3)), {}, "images are numbers"),
    ("PG201", signature(spec("x", "uint8", "N", 6, 8, 3)), {"x": (0.0, 300.0)}, "not a range of uint8"),
    ("PG201", signature(spec("x", "uint8", "N", 6, 8, 3)), {"y": (0.0, 1.0)}, "'y'.*no such input"),
]


@pytest.mark.parametrize(("code", "wanted", "ranges", "words"), BAD_IMAGES)
def test_images_that_do_not_fit_are_refused(tmp_path, code, wanted, ranges, words):
    save_images(tmp_path / "pics", (8, 6))
    with refused(code, words):
        read_samples(tmp_path / "pics", wanted, ranges=ranges)


def test_pixels_of_more_than_8_bits_are_refused_not_clipped(tmp_path):
    Image.fromarray(np.full((6, 8), 40_000, np.uint16)).save(tmp_path / "deep.png")
    with refused("PG203", "8 bits"):
        read_samples(tmp_path / "deep.png", signature(spec("x", "uint8", "N", 6, 8)))
