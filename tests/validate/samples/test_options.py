"""Command-line values about inputs, and what importing the samples costs."""

from __future__ import annotations

import subprocess
import sys

import pytest
from sample_helpers import refused, spec

from paritygate.validate.samples import parse_input, parse_range
from paritygate.validate.signature import Constant


def test_importing_the_samples_loads_no_file_reader():
    heavy = {"pandas", "PIL", "onnx", "pyarrow"}
    code = f"import sys, paritygate.validate.samples; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x:0:1", ("x", (0, 1))),
        ("serving_default_x:0:-1e-3:2", ("serving_default_x:0", (-1e-3, 2))),
        ("a b/c:5:5", ("a b/c", (5, 5))),
    ],
)
def test_a_range_is_parsed_from_the_right(text, expected):
    assert parse_range(text) == expected


@pytest.mark.parametrize("text", ["x", "x:1", ":0:1", "x:2:1", "x:0:inf", "x:nan:1", "x:a:b", ""])
def test_a_bad_range_is_a_usage_error(text):
    with refused("PG201", "ranges"):
        parse_range(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x:float32:batch,3,224,224", spec("x", "float32", "batch", 3, 224, 224)),
        ("serving_default_x:0:int64:?, 5", spec("serving_default_x:0", "int64", "?", 5)),
        ("sr:int64:", spec("sr", "int64")),
        ("name:str:N", spec("name", "str", "N")),
        ("a.0.key:float32:N,3", spec("a.0.key", "float32", "N", 3)),
        ("mask=None", Constant("mask", None)),
        ("cfg.scale=0.5", Constant("cfg.scale", 0.5)),
        ("flag=true", Constant("flag", True)),
        ("sizes=[1, 2]", Constant("sizes", [1, 2])),
        ("mode=a:b", Constant("mode", "a:b")),
    ],
)
def test_a_declared_input_is_parsed_from_the_right(text, expected):
    assert parse_input(text) == expected


@pytest.mark.parametrize(
    "text", ["x", "x:float32", ":float32:1", "x:float:1", "x:float32:0", "x:float32:-1", "x:int8:1,,2"]
)
def test_a_bad_declaration_is_a_usage_error(text):
    with refused("PG201", "inputs"):
        parse_input(text)
