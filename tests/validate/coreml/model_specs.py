"""Specifications of classic models, and how their predictions are compared with scikit-learn's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_wine
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import Normalizer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC

from paritygate.validate.coreml.files.package import Package
from paritygate.validate.coreml.files.proto import Message, module
from paritygate.validate.coreml.files.weights import Blobs
from paritygate.validate.coreml.lower import lower
from paritygate.validate.coreml.runtime import Session

X, Y = load_wine(return_X_y=True)

X = StandardScaler().fit_transform(X)

DOUBLE, INT64 = 65600, 131104


def model(inputs: dict[str, Any], outputs: dict[str, Any]) -> Message:
    """A specification with these features: a type's name, a length of a vector, or "text->" / "int->" dictionaries."""
    spec = module("Model_pb2").Model(specificationVersion=5)
    for features, described in ((inputs, spec.description.input), (outputs, spec.description.output)):
        for name, kind in features.items():
            declare(described.add(name=name).type, kind)
    return spec


def declare(feature: Message, kind: Any) -> None:
    if isinstance(kind, int):
        feature.multiArrayType.dataType = DOUBLE
        if kind:
            feature.multiArrayType.shape.append(kind)
    elif kind == "int->":
        feature.dictionaryType.int64KeyType.SetInParent()
    elif kind == "text->":
        feature.dictionaryType.stringKeyType.SetInParent()
    else:
        getattr(feature, f"{kind}Type").SetInParent()


def classifier(features: int) -> Message:
    spec = model({"x": features}, {"label": "int64", "scores": "int->"})
    spec.description.predictedFeatureName, spec.description.predictedProbabilitiesName = "label", "scores"
    return spec


def regressor(features: int) -> Message:
    spec = model({"x": features}, {"y": "double"})
    spec.description.predictedFeatureName = "y"
    return spec


def session(spec: Message) -> Session:
    return Session(lower(Package(Path(), spec, Blobs(Path()))))


def assert_classifies(spec: Message, rows: np.ndarray, probabilities: np.ndarray, atol: float = 1e-12) -> None:
    running = session(spec)
    for row, wanted in zip(rows, probabilities, strict=True):
        got = running.predict({"x": row})
        np.testing.assert_allclose(list(got["scores"].values()), wanted, rtol=0, atol=atol)
        assert got["label"] == list(got["scores"])[int(np.argmax(wanted))]


def assert_regresses(spec: Message, rows: np.ndarray, wanted: np.ndarray, rtol: float = 1e-12) -> None:
    running = session(spec)
    np.testing.assert_allclose([running.predict({"x": row})["y"] for row in rows], wanted, rtol=rtol)


def add_tree(trees: Message, number: int, tree: Any, values: np.ndarray) -> None:
    for i in range(tree.node_count):
        node = trees.nodes.add(treeId=number, nodeId=i)
        if tree.children_left[i] < 0:
            node.nodeBehavior = 6
            for index, value in enumerate(values[i]):
                node.evaluationInfo.add(evaluationIndex=index, evaluationValue=value)
            continue
        node.branchFeatureIndex, node.branchFeatureValue = tree.feature[i], tree.threshold[i]
        node.trueChildNodeId, node.falseChildNodeId = tree.children_left[i], tree.children_right[i]
        node.missingValueTracksTrueChild = bool(tree.missing_go_to_left[i])


def single(x: np.ndarray) -> np.ndarray:
    """The input as scikit-learn's trees read it."""
    return x.astype(np.float32).astype(np.float64)


KERNELS = {
    "linear": ("linearKernel", ()),
    "rbf": ("rbfKernel", ("gamma",)),
    "poly": ("polyKernel", ("gamma", "c", "degree")),
    "sigmoid": ("sigmoidKernel", ("gamma", "c")),
}


def set_svm(body: Message, machine: Any, sparse: bool) -> None:
    kind, fields = KERNELS[machine.kernel]
    values = {"gamma": machine._gamma, "c": machine.coef0, "degree": machine.degree}
    getattr(body.kernel, kind).SetInParent()
    for field in fields:
        setattr(getattr(body.kernel, kind), field, values[field])
    for vector in machine.support_vectors_:
        if sparse:
            nodes = body.sparseSupportVectors.vectors.add().nodes
            for i in np.flatnonzero(vector):
                nodes.add(index=i + 1, value=vector[i])
        else:
            body.denseSupportVectors.vectors.add().values.extend(vector)


def svc(machine: SVC) -> Message:
    spec = classifier(machine.n_features_in_)
    body = spec.supportVectorClassifier
    set_svm(body, machine, sparse=False)
    body.int64ClassLabels.vector.extend(machine.classes_.tolist())
    body.numberOfSupportVectorsPerClass.extend(machine.n_support_.tolist())
    for row in machine._dual_coef_:
        body.coefficients.add().alpha.extend(row)
    body.rho.extend((-machine._intercept_).tolist())
    body.probA.extend(machine._probA.tolist())
    body.probB.extend(machine._probB.tolist())
    return spec


def transformer(kind: str, inputs: Any, output: Any, **fields: Any) -> Message:
    spec = model(inputs if isinstance(inputs, dict) else {"x": inputs}, {"out": output})
    body = getattr(spec, kind)
    body.SetInParent()
    for name, value in fields.items():
        if isinstance(value, list):
            numbers = getattr(body, name)
            getattr(numbers, "vector", numbers).extend(value)
        elif isinstance(value, dict):
            for key, item in value.items():
                getattr(body, name).map[key] = item
        else:
            setattr(body, name, value)
    return spec


ROW = np.array([3.0, -4.0, 0.0])

GAP = np.array([1.0, np.nan, -1.0])

TRANSFORMERS = {
    "scaler": (
        transformer("scaler", 3, 3, shiftValue=[1.0, 2.0, 3.0], scaleValue=[2.0]), ROW, (ROW + np.arange(1, 4)) * 2
    ),
    **{
        f"normalizer {name}": (transformer("normalizer", 3, 3, normType=i), ROW, Normalizer(name).transform([ROW])[0])
        for i, name in enumerate(["max", "l1", "l2"])
    },
    "normalizer of zeros": (transformer("normalizer", 3, 3, normType=2), ROW * 0, ROW * 0),
    "imputer": (
        transformer("imputer", 3, 3, imputedDoubleArray=[7.0, 8.0, 9.0], replaceDoubleValue=np.nan),
        GAP,
        SimpleImputer().fit([[7.0, 8.0, 9.0]]).transform([GAP])[0],
    ),
    "imputer of a marker": (
        transformer("imputer", 3, 3, imputedDoubleValue=5.0, replaceDoubleValue=-1.0), GAP, [1.0, np.nan, 5.0]
    ),
    "imputer of text": (
        transformer("imputer", {"x": "string"}, "string", imputedStringValue="a", replaceStringValue=""), "", "a"
    ),
    "imputer of a dictionary": (
        transformer("imputer", {"x": "text->"}, "text->", imputedStringDictionary={"a": 3.0}, replaceDoubleValue=-1.0),
        {"a": -1.0, "b": -1.0},
        {"a": 3.0, "b": -1.0},
    ),
    "array feature extractor": (transformer("arrayFeatureExtractor", 3, 2, extractIndex=[2, 0]), ROW, [0.0, 3.0]),
    "one element": (transformer("arrayFeatureExtractor", 3, "int64", extractIndex=[1]), ROW, -4),
    "one-hot": (
        transformer("oneHotEncoder", {"x": "string"}, 3, stringCategories=["a", "b", "c"]),
        "b",
        OneHotEncoder(sparse_output=False).fit([["a"], ["b"], ["c"]]).transform([["b"]])[0],
    ),
    "one-hot unknown": (
        transformer("oneHotEncoder", {"x": "int64"}, 2, int64Categories=[4, 5], handleUnknown=1), 6, [0.0, 0.0]
    ),
    "one-hot sparse": (
        transformer("oneHotEncoder", {"x": "int64"}, "int->", int64Categories=[4, 5], outputSparse=True), 5, {1: 1.0}
    ),
    "dict vectorizer": (
        transformer("dictVectorizer", {"x": "text->"}, 3, stringToIndex=["a", "b", "c"]),
        {"c": 2.0, "z": 9.0, "a": np.nan},
        [np.nan, 0.0, 2.0],
    ),
    "dict vectorizer sparse": (
        transformer("dictVectorizer", {"x": "int->"}, "int->", int64ToIndex=[30, 10]), {10: 2.0, 5: 1.0}, {1: 2.0}
    ),
    "categorical mapping": (
        transformer("categoricalMapping", {"x": "string"}, "int64", stringToInt64Map={"a": 3, "b": 4}, int64Value=-7),
        "b",
        4,
    ),
    "categorical mapping unknown": (
        transformer("categoricalMapping", {"x": "int64"}, "string", int64ToStringMap={3: "a", 4: "b"}, strValue="?"),
        9,
        "?",
    ),
    "identity": (transformer("identity", 3, 3), ROW, ROW),
    "class confidence thresholding": (transformer("classConfidenceThresholding", 3, 3), ROW, ROW),
}  # fmt: skip


def nested(depth: int) -> Message:
    spec = transformer("scaler", {"x": 2}, 2, shiftValue=[1.0])
    for _ in range(depth):
        outer = model({"x": 2}, {"out": 2})
        outer.pipeline.models.append(spec)
        spec = outer
    return spec
