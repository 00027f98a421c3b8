"""Classic model types against scikit-learn, on its own data; specifications are written field by field."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from sklearn.datasets import load_diabetes, load_iris, load_wine
from sklearn.ensemble import GradientBoostingRegressor, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import Normalizer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC, SVR

from paritygate.validate.coreml.files.package import Package
from paritygate.validate.coreml.files.proto import Message, module, parse_model
from paritygate.validate.coreml.files.weights import Blobs
from paritygate.validate.coreml.lower import lower
from paritygate.validate.coreml.runtime import Session
from paritygate.validate.errors import ParityGateError

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
    """What scikit-learn's trees see."""
    return x.astype(np.float32).astype(np.float64)


def test_random_forest():
    with_gaps = np.where(np.random.default_rng(0).random(X.shape) < 0.1, np.nan, X)
    forest = RandomForestClassifier(12, random_state=0).fit(with_gaps, Y)
    spec = classifier(X.shape[1])
    trees = spec.treeEnsembleClassifier
    trees.treeEnsemble.numPredictionDimensions = 3
    trees.int64ClassLabels.vector.extend([0, 1, 2])
    for number, tree in enumerate(forest.estimators_):
        add_tree(trees.treeEnsemble, number, tree.tree_, tree.tree_.value[:, 0] / 12)
    assert_classifies(spec, single(with_gaps[::9]), forest.predict_proba(with_gaps[::9]))


def test_boosted_trees_are_summed_in_double():
    x, y = load_diabetes(return_X_y=True)
    boosted = GradientBoostingRegressor(n_estimators=30, random_state=0).fit(x, y)
    spec = regressor(x.shape[1])
    trees = spec.treeEnsembleRegressor.treeEnsemble
    trees.numPredictionDimensions = 1
    trees.basePredictionValue.append(float(boosted.init_.constant_.item()))
    for number, tree in enumerate(boosted.estimators_[:, 0]):
        add_tree(trees, number, tree.tree_, tree.tree_.value[:, 0] * boosted.learning_rate)
    assert_regresses(spec, single(x[::40]), boosted.predict(x[::40]))


COMPARE = [np.less_equal, np.less, np.greater_equal, np.greater, np.equal, np.not_equal]


@pytest.mark.parametrize(("behaviour", "missing"), list(product(range(6), [False, True])))
def test_every_comparison_of_a_tree(behaviour: int, missing: bool):
    spec = regressor(1)
    trees = spec.treeEnsembleRegressor.treeEnsemble
    trees.nodes.add(nodeId=7, nodeBehavior=behaviour, branchFeatureValue=0.5, trueChildNodeId=1, falseChildNodeId=2,
                    missingValueTracksTrueChild=missing)  # fmt: skip
    # The other comparisons stand deeper in the tree, so that nodes differ in theirs.
    trees.nodes.add(nodeId=1, nodeBehavior=(behaviour + 1) % 6, branchFeatureValue=1e9, trueChildNodeId=3,
                    falseChildNodeId=3)  # fmt: skip
    for number, value in ((2, 20.0), (3, 10.0)):
        trees.nodes.add(nodeId=number, nodeBehavior=6).evaluationInfo.add(evaluationValue=value)
    rows = np.array([[0.0], [0.5], [1.0], [np.nan], [np.inf]])
    holds = np.where(np.isnan(rows[:, 0]), missing, COMPARE[behaviour](rows[:, 0], 0.5))
    assert_regresses(spec, rows, np.where(holds, 10.0, 20.0))


@pytest.mark.parametrize(
    ("transform", "leaf", "wanted"),
    [
        (0, [0.2, 0.8], [0.2, 0.8]),
        (0, [0.3], [0.7, 0.3]),
        (1, [1.0, 3.0], np.exp([1, 3]) / np.exp([1, 3]).sum()),
        (2, [-40.0], [1.0, 1 / (1 + np.exp(40.0))]),
        (3, [2.0], [1 / (1 + np.exp(2.0)), np.exp(2.0) / (1 + np.exp(2.0))]),
    ],
)
def test_transforms_of_trees(transform: int, leaf: list[float], wanted: Any):
    spec = classifier(1)
    body = spec.treeEnsembleClassifier
    body.int64ClassLabels.vector.extend([0, 1])
    body.postEvaluationTransform = transform
    body.treeEnsemble.numPredictionDimensions = len(leaf)
    node = body.treeEnsemble.nodes.add(nodeBehavior=6)
    for i, value in enumerate(leaf):
        node.evaluationInfo.add(evaluationIndex=i, evaluationValue=value)
    assert_classifies(spec, np.zeros((1, 1)), [np.asarray(wanted)], atol=1e-20 if transform == 2 else 1e-12)


@pytest.mark.parametrize(
    ("nodes", "cause"),
    [
        ([], "no nodes"),
        ([(0, 0, 1, 2)], "a child that isn't there"),
        ([(0, 0, 1, 1), (1, 0, 0, 0)], "run in a circle"),
        ([(0, 6, 0, 0), (1, 0, 2, 2), (2, 0, 1, 1)], "run in a circle"),
        ([(0, 6, 0, 0), (0, 6, 0, 0)], "the same number"),
        ([(0, 9, 0, 0)], "not known|isn't there|circle"),
    ],
)
def test_trees_that_are_none(nodes: list[tuple[int, int, int, int]], cause: str):
    spec = regressor(1)
    spec.treeEnsembleRegressor.SetInParent()
    for number, behaviour, yes, no in nodes:
        spec.treeEnsembleRegressor.treeEnsemble.nodes.add(
            nodeId=number, nodeBehavior=behaviour, trueChildNodeId=yes, falseChildNodeId=no
        )
    with pytest.raises(ParityGateError, match=cause):
        session(spec)


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


@pytest.mark.parametrize(("kernel", "sparse"), list(product(KERNELS, [False, True])))
def test_support_vector_regression(kernel: str, sparse: bool):
    x, y = load_diabetes(return_X_y=True)
    machine = SVR(kernel=kernel, coef0=0.3, C=10).fit(x[:200], y[:200])
    spec = regressor(x.shape[1])
    body = spec.supportVectorRegressor
    set_svm(body, machine, sparse)
    body.coefficients.alpha.extend(machine.dual_coef_[0])
    body.rho = -machine.intercept_[0]
    assert_regresses(spec, x[::60], machine.predict(x[::60]))


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


@pytest.mark.filterwarnings("ignore:.*probability:FutureWarning")
@pytest.mark.parametrize("kernel", KERNELS)
def test_coupled_probabilities_of_three_classes(kernel: str):
    machine = SVC(kernel=kernel, probability=True, random_state=0, C=0.1).fit(X, Y)
    # scikit-learn shuffles its estimate of probA and probB, but predicts by libsvm's own iteration.
    assert_classifies(svc(machine), X[::6], machine.predict_proba(X[::6]), atol=1e-9)


def test_votes_of_three_classes():
    machine = SVC(kernel="rbf", decision_function_shape="ovo").fit(X, Y)
    spec = svc(machine)
    spec.description.ClearField("predictedProbabilitiesName")
    del spec.description.output[1]
    running = session(spec)
    assert [running.predict({"x": row})["label"] for row in X[::5]] == machine.predict(X[::5]).tolist()


def glm(labels: int, encoding: int, transform: int, linear: Any) -> Message:
    spec = classifier(X.shape[1])
    body = spec.glmClassifier
    body.classEncoding, body.postEvaluationTransform = encoding, transform
    body.int64ClassLabels.vector.extend(range(labels))
    for row, offset in linear:
        body.weights.add().value.extend(row)
        body.offset.append(offset)
    return spec


def test_one_linear_model_against_the_rest():
    fitted = OneVsRestClassifier(LogisticRegression()).fit(X, Y)
    linear = [(m.coef_[0], m.intercept_[0]) for m in fitted.estimators_]
    assert_classifies(glm(3, 1, 0, linear), X[::9], fitted.predict_proba(X[::9]))


def test_a_multinomial_linear_model():
    fitted = LogisticRegression().fit(X, Y)
    coefficients, intercepts = fitted.coef_ - fitted.coef_[0], fitted.intercept_ - fitted.intercept_[0]
    linear = list(zip(coefficients[1:], intercepts[1:], strict=True))
    assert_classifies(glm(3, 0, 0, linear), X[::9], fitted.predict_proba(X[::9]))


@pytest.mark.parametrize(("transform", "link", "atol"), [(0, None, 1e-12), (1, norm.cdf, 1e-7)])  # float32's erf
def test_two_linear_classes(transform: int, link: Any, atol: float):
    fitted = LogisticRegression().fit(X, Y > 0)
    second = link(fitted.decision_function(X[::9])) if link else fitted.predict_proba(X[::9])[:, 1]
    wanted = np.stack([1 - second, second], 1)
    assert_classifies(glm(2, 0, transform, [(fitted.coef_[0], fitted.intercept_[0])]), X[::9], wanted, atol)


@pytest.mark.parametrize(("weighting", "neighbours"), [("uniform", 5), ("distance", 4), ("distance", 1000)])
def test_nearest_neighbours(weighting: str, neighbours: int):
    x, y = load_iris(return_X_y=True)
    x, first = np.unique(x, axis=0, return_index=True)
    y = y[first]
    samples, asked = single(x[::2]), single(x[::7])
    weights = "uniform" if weighting == "uniform" else lambda d: 1 / np.maximum(d, 1e-100) ** 2
    fitted = KNeighborsClassifier(min(neighbours, len(samples)), weights=weights).fit(samples, y[::2])
    spec = classifier(4)
    body = spec.kNearestNeighborsClassifier
    body.nearestNeighborsIndex.squaredEuclideanDistance.SetInParent()
    for row in samples:
        body.nearestNeighborsIndex.floatSamples.add().vector.extend(row)
    body.numberOfNeighbors.defaultValue = neighbours
    body.int64ClassLabels.vector.extend(y[::2].tolist())
    getattr(body, "uniformWeighting" if weighting == "uniform" else "inverseDistanceWeighting").SetInParent()
    distances = fitted.kneighbors(asked, len(samples))[0]
    edge = min(neighbours, len(samples)) - 1
    no_tie = (
        np.ones(len(asked), bool)
        if edge + 1 == len(samples)
        else ~np.isclose(distances[:, edge], distances[:, edge + 1])
    )
    assert no_tie.sum() > 8
    assert_classifies(spec, asked[no_tie], fitted.predict_proba(asked[no_tie]), atol=1e-9)


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


@pytest.mark.parametrize("name", TRANSFORMERS)
def test_feature_engineering(name: str):
    spec, given, wanted = TRANSFORMERS[name]
    got = session(spec).predict({"x": given})["out"]
    if isinstance(wanted, str | dict):
        assert got == wanted
    else:
        np.testing.assert_array_almost_equal_nulp(np.nan_to_num(got, nan=-99), np.nan_to_num(wanted, nan=-99))


@pytest.mark.parametrize(
    ("kind", "inputs", "fields", "given"),
    [
        ("oneHotEncoder", {"x": "int64"}, {"int64Categories": [4, 5]}, 6),
        ("categoricalMapping", {"x": "string"}, {"stringToInt64Map": {"a": 3}}, "b"),
    ],
)
def test_unknown_categories_fail(kind: str, inputs: Any, fields: dict[str, Any], given: Any):
    with pytest.raises(ParityGateError) as caught:
        session(transformer(kind, inputs, "int64" if kind == "categoricalMapping" else 2, **fields)).predict(
            {"x": given}
        )
    assert caught.value.code == "PG406"


def test_feature_vectorizer_joins_numbers_arrays_and_dictionaries():
    spec = model({"a": "double", "b": 2, "c": "int->"}, {"out": 6})
    for name, size in (("b", 2), ("c", 3), ("a", 1)):
        spec.featureVectorizer.inputList.add(inputColumn=name, inputDimensions=size)
    got = session(spec).predict({"a": 7.0, "b": np.array([1.0, 2.0]), "c": {2: 5.0}})["out"]
    np.testing.assert_array_equal(got, [1, 2, 0, 0, 5, 7])


def nested(depth: int) -> Message:
    spec = transformer("scaler", {"x": 2}, 2, shiftValue=[1.0])
    for _ in range(depth):
        outer = model({"x": 2}, {"out": 2})
        outer.pipeline.models.append(spec)
        spec = outer
    return spec


def test_pipelines_inside_pipelines():
    np.testing.assert_array_equal(session(nested(20)).predict({"x": np.array([1.0, 2.0])})["out"], [2, 3])


def test_a_hundred_pipelines_inside_each_other_are_refused():
    content = transformer("scaler", {"x": 2}, 2).SerializeToString()
    features = model({"x": 2}, {"out": 2}).SerializeToString()
    for _ in range(100):
        content = features + field(202, field(1, content))  # Model.pipeline, Pipeline.models
    with pytest.raises(ParityGateError) as caught:
        parse_model(content, "nested")
    assert caught.value.code == "PG402"


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    return bytes([value]) if value < 128 else bytes([value & 127 | 128]) + varint(value >> 7)


def test_a_pipeline_that_takes_what_nothing_gives():
    spec = model({"x": 2}, {"out": 2})
    spec.pipeline.models.append(transformer("identity", {"y": 2}, 2))
    with pytest.raises(ParityGateError, match=r"stage 0 of the pipeline.*'y', which no earlier stage produces"):
        session(spec)


def test_the_recommender_scores_by_similarity():
    spec = model({"items": "text->", "count": "int64"}, {"scores": "text->"})
    body = spec.itemSimilarityRecommender
    body.itemStringIds.vector.extend("abcd")
    similar = np.array([[0, 0.5, 0, 0.2], [0.5, 0, 0.3, 0], [0, 0.3, 0, 0.9], [0.2, 0, 0.9, 0]])
    shift = np.array([0.0, 0.1, 0.2, 0.3])
    for i in range(4):
        row = body.itemItemSimilarities.add(itemId=i, itemScoreAdjustment=shift[i])
        for k in np.flatnonzero(similar[:, i]):
            row.similarItemList.add(itemId=k, similarityScore=similar[k, i])
    body.itemInputFeatureName, body.numRecommendationsInputFeatureName = "items", "count"
    body.recommendedItemScoreOutputFeatureName = "scores"
    got = session(spec).predict({"items": {"a": 2.0, "c": 1.0}, "count": 2})["scores"]
    wanted = {
        k: sum(similar["abcd".index(k), i] * (s - shift["abcd".index(k)]) for i, s in ((0, 2.0), (2, 1.0)))
        for k in "bd"
    }
    assert list(got) == sorted(wanted, key=wanted.__getitem__, reverse=True)
    assert got == pytest.approx(wanted)


def test_bayesian_probit_regression():
    spec = model(
        {"x": 2, "optimism": "double"}, {"p": "double", "mean": "double", "variance": "double", "low": "double"}
    )
    spec.description.predictedFeatureName = "p"
    body = spec.bayesianProbitRegressor
    body.numberOfFeatures = 2
    body.bias.mean, body.bias.precision = 0.1, 4.0
    for i, means in enumerate([[0.5, -0.5], [1.0, 2.0]]):
        feature = body.features.add(featureId=i)
        for value, mean in enumerate(means):
            weight = feature.weights.add(featureValue=value).featureWeight
            weight.mean, weight.precision = mean, 2.0
    body.regressionInputFeatureName, body.optimismInputFeatureName = "x", "optimism"
    body.meanOutputFeatureName, body.varianceOutputFeatureName = "mean", "variance"
    body.pessimisticProbabilityOutputFeatureName = "low"
    got = session(spec).predict({"x": np.array([1.0, 0.0]), "optimism": -1.0})
    mean, variance = 0.1 - 0.5 + 1.0, 0.25 + 0.5 + 0.5
    spread = np.sqrt(1 + variance)
    wanted = {"p": norm.cdf(mean / spread), "mean": mean, "variance": variance,
              "low": norm.cdf((mean - np.sqrt(variance)) / spread)}  # fmt: skip
    assert got == pytest.approx(wanted, abs=1e-7)  # float32's erf


BOXES = np.array([[0.5, 0.5, 0.4, 0.4], [0.52, 0.5, 0.4, 0.4], [0.1, 0.1, 0.1, 0.1], [0.9, 0.9, 0.1, 0.1]])
SCORES = np.array([[0.9, 0.1], [0.2, 0.8], [0.3, 0.6], [0.05, 0.1]])


@pytest.mark.parametrize(
    ("per_class", "least", "kept"),
    [(False, 0.25, [0, 2]), (True, 0.25, [0, 1, 2]), (False, 0.05, [0, 2, 3]), (False, 0.95, [])],
)
def test_non_maximum_suppression(per_class: bool, least: float, kept: list[int]):
    spec = model({"scores": 0, "boxes": 0}, {"best": 0, "where": 0})
    for description, width in zip(spec.description.input, (2, 4), strict=True):
        description.type.multiArrayType.shape.extend([4, width])
    body = spec.nonMaximumSuppression
    body.pickTop.perClass, body.iouThreshold, body.confidenceThreshold = per_class, 0.5, least
    body.confidenceInputFeatureName, body.coordinatesInputFeatureName = "scores", "boxes"
    body.confidenceOutputFeatureName, body.coordinatesOutputFeatureName = "best", "where"
    got = session(spec).predict({"scores": SCORES, "boxes": BOXES})
    np.testing.assert_allclose(got["best"], SCORES[kept], rtol=1e-6)
    np.testing.assert_allclose(got["where"], BOXES[kept], rtol=1e-6)


def test_a_linked_model_beside_this_one(tmp_path: Path):
    inner = transformer("scaler", {"x": 2}, 2, scaleValue=[3.0])
    (tmp_path / "inner.mlmodel").write_bytes(inner.SerializeToString())
    spec = model({"x": 2}, {"out": 2})
    link = spec.linkedModel.linkedModelFile.linkedModelFileName
    link.defaultValue = "inner.mlmodel"
    running = Session(lower(Package(tmp_path, spec, Blobs(tmp_path))))
    np.testing.assert_array_equal(running.predict({"x": np.array([1.0, 2.0])})["out"], [3, 6])
    for name, code in (("inner.mlmodelc", "PG404"), ("../inner.mlmodel", "PG502"), ("none.mlmodel", "PG202")):
        link.defaultValue = name
        with pytest.raises(ParityGateError) as caught:
            lower(Package(tmp_path, spec, Blobs(tmp_path)))
        assert caught.value.code == code


def test_a_model_that_links_to_itself(tmp_path: Path):
    spec = model({"x": 2}, {"out": 2})
    spec.linkedModel.linkedModelFile.linkedModelFileName.defaultValue = "self.mlmodel"
    (tmp_path / "self.mlmodel").write_bytes(spec.SerializeToString())
    with pytest.raises(ParityGateError, match="nested more than 64 deep"):
        lower(Package(tmp_path, spec, Blobs(tmp_path)))


@pytest.mark.parametrize("kind", ["visionFeaturePrint", "wordTagger", "gazetteer", "customModel"])
def test_what_is_not_public_is_refused_by_name(kind: str):
    inner = model({"x": 2}, {"out": 2})
    getattr(inner, kind).SetInParent()
    spec = model({"x": 2}, {"out": 2})
    spec.pipeline.models.append(inner)
    with pytest.raises(ParityGateError, match=f"model type '{kind}'") as caught:
        session(spec)
    assert caught.value.code == "PG404"


def small_models() -> list[bytes]:
    x, y = X[:40, :3], Y[:40]
    forest = classifier(3)
    forest.treeEnsembleClassifier.treeEnsemble.numPredictionDimensions = 2
    forest.treeEnsembleClassifier.int64ClassLabels.vector.extend([0, 1])
    tree = RandomForestClassifier(1, max_depth=2, random_state=0).fit(X[:, :3], Y > 0).estimators_[0].tree_
    add_tree(forest.treeEnsembleClassifier.treeEnsemble, 0, tree, tree.value[:, 0])
    machine = svc(SVC(kernel="poly").fit(X[::20, :3], Y[::20]))
    machine.description.ClearField("predictedProbabilitiesName")
    neighbours = classifier(3)
    for row in x[:5]:
        neighbours.kNearestNeighborsClassifier.nearestNeighborsIndex.floatSamples.add().vector.extend(row)
    neighbours.kNearestNeighborsClassifier.int64ClassLabels.vector.extend(y[:5].tolist())
    specs = [forest, machine, neighbours, nested(3), *(spec for spec, *_ in TRANSFORMERS.values())]
    return [spec.SerializeToString() for spec in specs]


SMALL = small_models()


@settings(max_examples=150, deadline=None, derandomize=True, database=None)
@given(data=st.data())
def test_damaged_models_are_refused_or_run(data: st.DataObject):
    content = bytearray(data.draw(st.sampled_from(SMALL)))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    outcome = "runs"
    try:
        session(parse_model(bytes(content), "damaged"))
    except ParityGateError as e:
        outcome = e.code
    assert outcome in {"runs", "PG402", "PG404", "PG405"}
