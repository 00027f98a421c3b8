"""Wall time of ``paritygate convert`` beside the bare converter's own command, as ratios measured in one run.

``python -m benchmarks.speed`` writes docs/benchmarks.md. The two commands of a pair are run in turn, several times, so
that whatever else the machine does hits both; the median counts. Both start from a cold process and the same file.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from paritygate.validate.doctor import versions

FOLDER = Path("out/bench")
PAGE = Path("docs/benchmarks.md")
ROUNDS = 2
GOAL = 1.15

TORCH_SCRIPT = """
import sys, torch
program = torch.export.load(sys.argv[1])
torch.onnx.export(program, dynamo=True).save(sys.argv[2])
"""
SKLEARN_SCRIPT = """
import sys, joblib, numpy, skl2onnx
model = joblib.load(sys.argv[1])
onx = skl2onnx.to_onnx(model, numpy.zeros((1, model.n_features_in_), numpy.float32), options={"zipmap": False})
open(sys.argv[2], "wb").write(onx.SerializeToString())
"""
SAVE_KERAS_MODEL = """
import sys, keras
if sys.argv[1][0].isupper():
    keras.utils.set_random_seed(0)
    model = getattr(keras.applications, sys.argv[1])(weights=None)
    for layer in model.layers:  # statistics of a batch: with the initial ones the output is the same for any image
        layer.momentum = 0.0
    model(keras.random.normal((8, *model.input_shape[1:])), training=True)
else:
    model = keras.models.load_model(sys.argv[1])
model.export(sys.argv[2], verbose=False)
"""
SAVE_BERT = """
import sys, torch, transformers
model = transformers.BertModel(transformers.BertConfig(num_hidden_layers=4, return_dict=False)).eval()
ids = torch.zeros(2, 16, dtype=torch.int64)
batch = torch.export.Dim("batch")
program = torch.export.export(model, (ids,), strict=False, dynamic_shapes=({0: batch},))
torch.export.save(program, sys.argv[2])
"""


@dataclass(frozen=True, slots=True)
class Pair:
    """The same conversion twice: by the bare converter and by paritygate."""

    name: str
    source: Path
    bare: tuple[str, ...]
    bare_name: str


def main() -> None:
    """Make the models, time every pair, write the page."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    rows = [(pair, *_measure(pair)) for pair in pairs()]
    PAGE.write_text(page(rows))
    print(PAGE.read_text())


def pairs() -> tuple[Pair, ...]:
    """Small and real models of each framework."""
    for framework in ("keras", "torch", "sklearn"):
        _run(sys.executable, "-m", "fixtures.train", framework, str(FOLDER))
    python = sys.executable
    digits, mobilenet, bert = FOLDER / "digits_saved_model", FOLDER / "mobilenet_v2", FOLDER / "bert.pt2"
    _run(python, "-c", SAVE_KERAS_MODEL, str(FOLDER / "digits_cnn.keras"), str(digits))
    _run(python, "-c", SAVE_KERAS_MODEL, "MobileNetV2", str(mobilenet))
    _run(python, "-c", SAVE_BERT, "bert", str(bert))
    tf2onnx = (python, "-m", "tf2onnx.convert", "--saved-model", "{source}", "--output", "{output}")
    torch = (python, "-c", TORCH_SCRIPT, "{source}", "{output}")
    sklearn = (python, "-c", SKLEARN_SCRIPT, "{source}", "{output}")
    return (
        Pair("digits CNN, SavedModel", digits, tf2onnx, "python -m tf2onnx.convert"),
        Pair("MobileNetV2, SavedModel", mobilenet, tf2onnx, "python -m tf2onnx.convert"),
        Pair("digits CNN, torch.export", FOLDER / "digits_cnn.pt2", torch, "torch.onnx.export script"),
        Pair("BERT (4 layers), torch.export", bert, torch, "torch.onnx.export script"),
        Pair("digits SVM, joblib", FOLDER / "digits_svm.joblib", sklearn, "skl2onnx script"),
    )


def _measure(pair: Pair) -> tuple[float, float]:
    """Median seconds of the bare command and of paritygate, run in turn."""
    output = FOLDER / "output.onnx"
    bare = [part.replace("{source}", str(pair.source)).replace("{output}", str(output)) for part in pair.bare]
    ours = [sys.executable, "-m", "paritygate.cli", "convert", str(pair.source), "-o", str(output), "--quiet"]
    times = [(_timed(bare), _timed(ours)) for _ in range(ROUNDS)]
    return statistics.median(t[0] for t in times), statistics.median(t[1] for t in times)


def _timed(command: Sequence[str]) -> float:
    start = time.perf_counter()
    _run(*command)
    return time.perf_counter() - start


def _run(*command: str) -> None:
    done = subprocess.run(
        command, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{' '.join(command[:4])} failed:\n{done.stdout[-3000:]}")


def page(rows: Sequence[tuple[Pair, float, float]]) -> str:
    """The Markdown page."""
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`. What a conversion costs when parity is proved as well, beside the bare converter",
        "that proves nothing. The two commands of a row are run in turn from cold processes; trust the ratios, not the",
        f"seconds. Median of {ROUNDS} rounds. Goal: at most {GOAL}.",
        "",
        "| model | bare command | bare, s | paritygate convert, s | ratio |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {pair.name} | {pair.bare_name} | {bare:.2f} | {ours:.2f} | **{ours / bare:.2f}** |"
        for pair, bare, ours in rows
    ]
    known = ", ".join(f"{name} {version}" for name, version in versions().items())
    lines += ["", f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} CPU cores, {known}.", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
