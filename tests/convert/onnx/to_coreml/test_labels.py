"""ONNX to Core ML: classifiers, and text outputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import parser
from onnx_models import (
    TOLERANCE,
    convert_model,
    parsed,
    reference_outputs,
    run_candidate,
)

from paritygate.convert.routes.base import Candidate, RouteOptions
from paritygate.validate.engines.base import LoadOptions
from paritygate.validate.engines.coreml import lowered as coreml
from paritygate.validate.errors import ParityGateError


def _classes_of(estimator: Any, x: Any, folder: Path) -> tuple[onnx.ModelProto, Candidate]:
    from paritygate.convert.routes.sklearn.onnx import route as sklearn_to_onnx
    from paritygate.validate.engines.sklearn import estimator as sklearn

    path = folder / "estimator.onnx"
    sklearn_to_onnx.convert(sklearn.load(estimator, LoadOptions()), path, RouteOptions())
    model = onnx.load(str(path))
    return model, convert_model(model, folder)


def test_classifiers_return_label_and_dictionary(tmp_path: Path) -> None:
    from sklearn.datasets import load_iris
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    for number, estimator in enumerate(
        [
            RandomForestClassifier(5, random_state=0).fit(x, names),
            make_pipeline(StandardScaler(), LogisticRegression()).fit(x, names),
            KNeighborsClassifier().fit(x, y),
        ]
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        _, candidate = _classes_of(estimator, x, folder)
        assert candidate.classes == {"probabilities": tuple(estimator.classes_.tolist())}
        assert candidate.outputs["classLabel"] == "label"
        model = coreml.load(candidate.path, LoadOptions())
        for row in x[::30]:
            found = model.run({next(iter(candidate.inputs)): row[None].astype(np.float32)})
            by_class = dict(zip(found["probabilities/keys"].tolist(), found["probabilities/values"], strict=True))
            expected = dict(zip(estimator.classes_.tolist(), estimator.predict_proba(row[None])[0], strict=True))
            assert by_class == pytest.approx(expected, abs=TOLERANCE)
            assert found["classLabel"].item() == estimator.predict(row[None])[0]


def test_a_label_that_is_not_the_greatest_score_makes_no_classifier(tmp_path: Path) -> None:
    """A support vector machine votes; the winner need not have the greatest score."""
    from sklearn.datasets import load_iris
    from sklearn.svm import SVC

    x, y = load_iris(return_X_y=True)
    model, candidate = _classes_of(SVC().fit(x, y), x, tmp_path)
    assert not candidate.classes
    feed = {"X": x[:1].astype(np.float32)}
    assert run_candidate(candidate, feed)["label"].tolist() == reference_outputs(model, feed)["label"].tolist()
    model, candidate = _classes_of(SVC().fit(x, np.array(["c", "a", "b"])[y]), x, tmp_path)
    assert not candidate.classes
    for row in x[::30]:
        feed = {"X": row[None].astype(np.float32)}
        assert run_candidate(candidate, feed)["label"].tolist() == reference_outputs(model, feed)["label"].tolist()


TEXTS = {
    "looked up at the least": """g (float[N,3] x) => (string[N] label) {
        i = ArgMin<axis=1, keepdims=0>(x)  c = Constant<value_strings=["z", "a", "m"]>()  label = Gather(c, i) }""",
    "the same for all": """g (float[N,3] x) => (string[N] label) {
        s = Shape(x)  z = Constant<value_ints=[0]>()  n = Gather(s, z)
        c = Constant<value_string="only">()  label = Expand(c, n) }""",
    "compared, encoded and chosen": """g (float[N,3] x) => (string[N] label, int64[N] code) {
        i = ArgMax<axis=1, keepdims=0>(x)  c = Constant<value_strings=["z", "a", "m"]>()  t = Gather(c, i)
        a = Constant<value_string="a">()  o = Constant<value_string="other">()
        code = ai.onnx.ml.LabelEncoder<keys_strings=["m", "z"], values_int64s=[5, 7], default_int64=-2>(t)
        e = Equal(t, a)  label = Where(e, o, t) }""",
    "two of them": """g (float[N,3] x) => (string[N] first, float[N,3] y, string[N] last) {
        i = ArgMax<axis=1, keepdims=0>(x)  j = ArgMin<axis=1, keepdims=0>(x)  y = Neg(x)
        c = Constant<value_strings=["z", "a", "m"]>()  first = Gather(c, i)  last = Gather(c, j) }""",
}  # fmt: skip


@pytest.mark.parametrize("suffix", [".mlmodel", ".mlpackage"])
@pytest.mark.parametrize("name", TEXTS)
def test_texts_are_looked_up_after_the_model(tmp_path: Path, name: str, suffix: str) -> None:
    model = parsed(TEXTS[name], opset=19)
    candidate = convert_model(model, tmp_path, suffix=suffix)
    for row in np.random.default_rng(0).normal(size=(6, 1, 3)).astype(np.float32):
        found, wanted = run_candidate(candidate, {"x": row}), reference_outputs(model, {"x": row})
        assert {key: value.tolist() for key, value in found.items()} == {
            key: value.tolist() for key, value in wanted.items()
        }


@pytest.mark.parametrize("precision", ["fp16", "fp32"])
def test_a_pipeline_with_text_reports_the_precision_of_its_program(tmp_path: Path, precision: str) -> None:
    model = parsed(TEXTS["two of them"], opset=19)
    candidate = convert_model(model, tmp_path, RouteOptions(precision=precision))
    facts = coreml.load(candidate.path, LoadOptions()).facts()
    assert (facts.precision, facts.format) == (f"float{precision[2:]}", "Core ML pipeline, specification 6")


def test_several_texts_of_one_sample_are_rejected(tmp_path: Path) -> None:
    text = """g (float[N,3] x) => (string[N,3] labels) {
        c = Constant<value_strings=["z", "a"]>()  z = Constant<value_float=0.0>()  g = Greater(x, z)
        i = Cast<to=7>(g)  labels = Gather(c, i) }"""
    with pytest.raises(ParityGateError) as refused:
        convert_model(parsed(text), tmp_path)
    assert (refused.value.code, refused.value.subject) == ("PG404", "labels")


def test_only_a_threshold_of_one_half_makes_a_classifier(tmp_path: Path) -> None:
    text = """g (float[1,1] x) => (int64[1] label, float[1,2] scores) {{
        p = Sigmoid(x)  one = Constant<value_float=1.0>()  q = Sub(one, p)  scores = Concat<axis=1>(q, p)
        t = Constant<value: tensor = float {{{threshold}}}>()  g = Greater(p, t)  i = Cast<to=7>(g)
        s = Constant<value_ints=[-1]>()  f = Reshape(i, s)
        c = Constant<value: tensor = int64[2] {{5, 7}}>()  label = Gather(c, f) }}"""
    for threshold, classes in (("0.5", {"scores": (5, 7)}), ("0.3", {})):
        model = parser.parse_model(f'<ir_version: 9, opset_import: ["":17]> {text.format(threshold=threshold)}')
        assert convert_model(model, tmp_path).classes == classes
