"""What a user of an extra does first; runs in a clean environment, in an empty folder: ``smoke.py EXTRA``."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable


def paritygate(*words: str) -> None:
    """Run a command that has to succeed."""
    subprocess.run([sys.executable, "-m", "paritygate.cli", *words, "--quiet"], check=True)


def onnx_model() -> None:
    """Write a.onnx: y = relu(x @ w)."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    weights = numpy_helper.from_array(np.linspace(-1, 1, 6, dtype=np.float32).reshape(3, 2), "w")
    nodes = [helper.make_node("MatMul", ["x", "w"], ["z"]), helper.make_node("Relu", ["z"], ["y"])]
    ends = [
        helper.make_tensor_value_info(*end)
        for end in (("x", TensorProto.FLOAT, ["n", 3]), ("y", TensorProto.FLOAT, ["n", 2]))
    ]
    graph = helper.make_graph(nodes, "small", ends[:1], ends[1:], [weights])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), "a.onnx")


def base() -> None:
    """Move, compare, describe and run an ONNX model."""
    import paritygate as package

    onnx_model()
    paritygate("convert", "a.onnx", "-o", "b.onnx", "--opset", "20")
    paritygate("validate", "a.onnx", "b.onnx")
    paritygate("inspect", "b.onnx")
    paritygate("run", "b.onnx", "-o", "out.csv")
    assert package.validate("a.onnx", "b.onnx").raise_for_status().passed


def tensorflow() -> None:
    """Convert a Keras model."""
    import keras

    keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, activation="relu")]).save("m.keras")
    paritygate("convert", "m.keras", "-o", "m.onnx")


def torch() -> None:
    """Convert an exported program."""
    import torch

    module = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.ReLU()).eval()
    axes = ({0: torch.export.Dim("n")},)
    torch.export.save(torch.export.export(module, (torch.zeros(2, 3),), dynamic_shapes=axes), "m.pt2")
    paritygate("convert", "m.pt2", "-o", "m.onnx")


def sklearn() -> None:
    """Convert a pickled pipeline."""
    import joblib
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rows = np.random.default_rng(0).normal(size=(60, 3))
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows, rows[:, 0] > 0)
    joblib.dump(model, "m.joblib")
    paritygate("convert", "m.joblib", "-o", "m.onnx")


def boosters() -> None:
    """Convert a model of each library."""
    import joblib
    import numpy as np
    from catboost import CatBoostClassifier
    from lightgbm import LGBMClassifier
    from xgboost import XGBClassifier

    rows = np.random.default_rng(0).normal(size=(80, 3)).astype(np.float32)
    quiet = (
        XGBClassifier(n_estimators=3),
        LGBMClassifier(n_estimators=3, verbose=-1),
        CatBoostClassifier(iterations=3, verbose=0, allow_writing_files=False),
    )
    for number, model in enumerate(quiet):
        joblib.dump(model.fit(rows, rows[:, 0] > 0), f"{number}.joblib")
        paritygate("convert", f"{number}.joblib", "-o", f"{number}.onnx")


def coreml() -> None:
    """Write and compare both of Core ML's formats."""
    onnx_model()
    paritygate("convert", "a.onnx", "-o", "A.mlpackage", "--shapes", "x:1,3")
    paritygate("convert", "a.onnx", "-o", "A.mlmodel", "--shapes", "x:1,3")
    paritygate("inspect", "A.mlpackage")


def data() -> None:
    """Read and write tables."""
    import numpy as np
    import pandas as pd

    onnx_model()
    pd.DataFrame(np.zeros((5, 3), np.float32), columns=["a", "b", "c"]).to_parquet("rows.parquet")
    paritygate("run", "a.onnx", "--samples", "rows.parquet", "-o", "out.parquet")
    assert len(pd.read_parquet("out.parquet")) == 5


SMOKE: dict[str, Callable[[], None]] = {
    "base": base,
    "tensorflow": tensorflow,
    "torch": torch,
    "sklearn": sklearn,
    "boosters": boosters,
    "coreml": coreml,
    "data": data,
}
"""Extra -> what is tried; "base" is the wheel without any."""

if __name__ == "__main__":
    SMOKE[sys.argv[1]]()
