"""The networks of :mod:`.coreml_speed`: ``python -m benchmarks.coreml_networks NAME FOLDER``.

Writes each twice, with the same random weights: as an ONNX export (``NAME.onnx``), by the exporter that its framework
has, and as ML Programs (``NAME-float32.mlpackage``, ``NAME-float16.mlpackage``), by coremltools.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

SEQUENCE, WIDTH = 128, 256
LAYERS = {"float32": 8, "float16": 16}
SIDE = 4096


def main() -> None:
    """Write the network that the command line names."""
    name, folder = sys.argv[1], Path(sys.argv[2])
    NETWORKS[name](name, folder)


def keras_network(name: str, folder: Path) -> None:
    """One of keras.applications, on one image."""
    import keras
    import tensorflow as tf
    import tf2onnx

    model = getattr(keras.applications, name)(weights=None)
    signature = [tf.TensorSpec((1, 224, 224, 3), tf.float32, name="x")]
    function = tf.function(lambda x: model(x, training=False), input_signature=signature)
    tf2onnx.convert.from_function(function, signature, opset=18, output_path=str(folder / f"{name}.onnx"))
    _write_packages([function.get_concrete_function()], {"x": np.zeros((1, 224, 224, 3), np.float32)}, name, folder)


def lstm(name: str, folder: Path) -> None:
    """Two bidirectional layers over 100 steps."""
    import torch

    class Network(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = torch.nn.LSTM(128, WIDTH, num_layers=2, batch_first=True, bidirectional=True)
            self.head = torch.nn.Linear(2 * WIDTH, 10)

        def forward(self, x: Any) -> Any:
            return self.head(self.lstm(x)[0])

    _write_torch(Network(), torch.randn(4, 100, 128), name, folder)


def transformer(name: str, folder: Path) -> None:
    """Four encoder blocks on 128 tokens, as BERT has them."""
    import torch
    from torch.nn import functional

    class Block(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.query, self.key, self.value, self.out = (torch.nn.Linear(WIDTH, WIDTH) for _ in range(4))
            self.norms = torch.nn.ModuleList(torch.nn.LayerNorm(WIDTH) for _ in range(2))
            self.inner = torch.nn.Sequential(
                torch.nn.Linear(WIDTH, 4 * WIDTH), torch.nn.GELU(), torch.nn.Linear(4 * WIDTH, WIDTH)
            )

        def forward(self, x: Any) -> Any:
            heads = (p(x).reshape(1, SEQUENCE, 4, -1).transpose(1, 2) for p in (self.query, self.key, self.value))
            attended = functional.scaled_dot_product_attention(*heads).transpose(1, 2).reshape(1, SEQUENCE, WIDTH)
            x = self.norms[0](x + self.out(attended))
            return self.norms[1](x + self.inner(x))

    blocks = torch.nn.Sequential(torch.nn.Embedding(1000, WIDTH), *(Block() for _ in range(4)))
    _write_torch(blocks, torch.randint(0, 1000, (1, SEQUENCE)), name, folder)


def large(name: str, folder: Path) -> None:
    """512 MB of weights in square layers; there is no ONNX export of these."""
    for width, count in LAYERS.items():
        _write_package(_square_layers(width, count), width, folder / f"{name}-{width}.mlpackage")


def _square_layers(width: str, count: int) -> Any:
    import coremltools as ct
    from coremltools.converters.mil import Builder
    from coremltools.converters.mil.mil import types

    random = np.random.default_rng(0)
    kind = {"float32": types.fp32, "float16": types.fp16}[width]

    @Builder.program(input_specs=[Builder.TensorSpec((1, SIDE), dtype=kind)], opset_version=ct.target.iOS17)
    def program(x: Any) -> Any:
        for _ in range(count):
            weight = random.standard_normal((SIDE, SIDE), dtype=np.float32) / np.float32(64)
            x = Builder.relu(x=Builder.linear(x=x, weight=weight.astype(width)))
        return x

    return program


def _write_torch(network: Any, example: Any, name: str, folder: Path) -> None:
    import torch

    torch.manual_seed(0)
    network.eval()
    torch.onnx.export(
        network, (example,), str(folder / f"{name}.onnx"), input_names=["x"], dynamo=True, external_data=False
    )
    values = example.numpy()
    given = values.astype(np.int32) if values.dtype.kind == "i" else values
    _write_packages(torch.jit.trace(network, example), {"x": given}, name, folder)


def _write_packages(source: Any, feeds: dict[str, Any], name: str, folder: Path) -> None:
    import coremltools as ct

    inputs = [ct.TensorType(key, array.shape, dtype=array.dtype.type) for key, array in feeds.items()]
    for width in LAYERS:
        _write_package(source, width, folder / f"{name}-{width}.mlpackage", inputs=inputs)


def _write_package(source: Any, width: str, path: Path, **more: Any) -> None:
    import coremltools as ct

    model = ct.convert(
        source, convert_to="mlprogram", compute_precision=ct.precision[width.upper()],
        minimum_deployment_target=ct.target.iOS17, skip_model_load=True, **more,
    )  # fmt: skip
    model.save(str(path))


NETWORKS: dict[str, Callable[[str, Path], None]] = {
    "MobileNetV2": keras_network,
    "ResNet50": keras_network,
    "lstm": lstm,
    "transformer": transformer,
    "large": large,
}

if __name__ == "__main__":
    main()
