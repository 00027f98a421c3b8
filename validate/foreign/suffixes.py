"""Files of other tools, by their suffix."""

from __future__ import annotations

from collections.abc import Mapping

from .what import Foreign


def _compiled(what: str, source: str = "the model that it was built from, such as its .onnx file") -> Foreign:
    return Foreign(f"it is {what}: compiled for one device, it can't be converted back", f"Give {source}.")


def _runtime(what: str) -> Foreign:
    return Foreign(f"it is {what}, which paritygate doesn't read", "Give the model that it was converted from.")


_SAMPLES = Foreign("it holds data, not a model", "Give a model, and this file with --samples {path}.")
_MXNET = Foreign(
    "it is one of the two files of an MXNet model, which paritygate doesn't read",
    "Let MXNet write ONNX: mxnet.onnx.export_model('model-symbol.json', 'model-0000.params', [(1, 3, 224, 224)]). "
    "Then `paritygate convert` and `paritygate validate` take the .onnx file.",
)
_PADDLE = Foreign(
    "it is one of the files of a PaddlePaddle model, which paritygate doesn't read",
    "Let paddle2onnx write ONNX: paddle2onnx --model_dir . --model_filename model.pdmodel "
    "--params_filename model.pdiparams --save_file model.onnx",
)
_CAFFE = Foreign(
    "it is one of the two files of a Caffe model, which paritygate doesn't read",
    "Translate it to ONNX, PyTorch or Keras with one of Caffe's converters, and give that model.",
)
_OPENVINO = _runtime("an OpenVINO model")


def _onnx_text(form: str) -> Foreign:
    command = f"import onnx; onnx.save(onnx.load('{{path}}', format='{form}'), 'model.onnx')"
    return Foreign("it is an ONNX model written as text", f'Write it in binary: python -c "{command}"')


SUFFIXES: Mapping[str, Foreign] = {
    ".caffemodel": _CAFFE,
    ".csv": _SAMPLES,
    ".dlc": _compiled("a Qualcomm SNPE container"),
    ".engine": _compiled("a TensorRT engine"),
    ".feather": _SAMPLES,
    ".ggml": _runtime("a model for llama.cpp (GGML)"),
    ".gguf": Foreign(
        "it is a GGUF file: the weights of a language model for llama.cpp, often quantised, without a graph",
        "Give the model in the form that it was trained in: its PyTorch module, exported with torch.export.",
    ),
    ".hef": _compiled("a Hailo executable"),
    ".kmodel": _compiled("a Kendryte model"),
    ".mar": Foreign(
        "it is a TorchServe archive: a model, and the code that serves it",
        "Unpack it, and give the model file in it: unzip {path} -d unpacked",
    ),
    ".mnn": _runtime("an MNN model"),
    ".msgpack": Foreign(
        "it holds the weights of a Flax (JAX) model, without the model itself",
        "Let jax2tf write a SavedModel, and give its folder.",
    ),
    ".npy": _SAMPLES,
    ".npz": Foreign("it holds arrays, not a model", "Give a model, and this file with --samples {path}."),
    ".onnxjson": _onnx_text("json"),
    ".onnxtxt": _onnx_text("onnxtxt"),
    ".ort": Foreign(
        "it is an ONNX Runtime model: optimised for one version of ONNX Runtime",
        "Give the .onnx file that it was made from.",
    ),
    ".param": _runtime("an ncnn model"),
    ".params": _MXNET,
    ".parquet": _SAMPLES,
    ".pbtxt": Foreign(
        "it is a TensorFlow graph written as text",
        "Write it in binary: python -c \"import tensorflow as tf; from google.protobuf import text_format as t; "
        "open('graph.pb', 'wb').write(t.Parse(open('{path}').read(), tf.compat.v1.GraphDef()).SerializeToString())\"",
    ),
    ".pdiparams": _PADDLE,
    ".pdmodel": _PADDLE,
    ".plan": _compiled("a TensorRT engine"),
    ".pmml": _runtime("a PMML model"),
    ".prototxt": _CAFFE,
    ".pte": _compiled("an ExecuTorch program", "the exported program that it was made from (.pt2)"),
    ".rknn": _compiled("a Rockchip model"),
    ".textproto": _onnx_text("textproto"),
    ".trt": _compiled("a TensorRT engine"),
    ".uff": _runtime("a UFF model of an old TensorRT"),
    ".xml": _OPENVINO,
}  # fmt: skip
"""Suffix -> what the file is."""
