"""The page for users."""

from __future__ import annotations

import re
from pathlib import Path

from sample_helpers import X4, signature, spec

from paritygate.validate.samples import generate_samples

PAGE = (Path(__file__).parents[3] / "docs" / "samples.md").read_text(encoding="utf-8")


def test_the_page_describes_every_kind_and_its_example_runs(tmp_path, monkeypatch, capsys):
    kinds = set(generate_samples(signature(X4, spec("n", "int64", "N", 1))).kinds)
    kinds |= set(generate_samples(signature(spec("n", "int64", "N", 1))).kinds) | {"thresholds", "missing", "unknown"}
    kinds |= {"positive", "branches", "searched", "rows", "batch", "masks", "special", "moving", "leaves"}
    assert set(re.findall(r"^\| (\w+) \|", PAGE, re.MULTILINE)) - {"integers", "text"} == kinds | {"kind"}
    (tmp_path / "iris.csv").write_text("a,b,c,d\n5.1,3.5,1.4,0.2\n6.0,3.0,4.0,1.0\n")
    monkeypatch.chdir(tmp_path)
    exec(re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[-1], {})
    assert capsys.readouterr().out == "rows 0-1 {'x': (2, 4)}\n"
