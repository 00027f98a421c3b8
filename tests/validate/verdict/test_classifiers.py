"""Labels, scores and ties; outputs that never vary, and declarations that are wrong."""

from __future__ import annotations

import numpy as np
import pytest
from comparing import NORMAL, RNG, compare_all

from paritygate.validate.signature import TensorSpec
from paritygate.validate.verdict.output_checks import check_declared, check_informative, varies

# -- classifiers ----------------------------------------------------------------------------------------------------


def classify(scores, names):
    return names[scores.argmax(axis=1)]


@pytest.fixture
def tied():
    """200 rows of three classes, each class answered for clearly; row 5 scores classes 0 and 2 alike."""
    scores = np.random.default_rng(1).dirichlet(np.ones(3) / 4, 200)
    scores[5] = [0.45, 0.1, 0.45]
    names = np.array([30, 10, 20])
    other = scores.copy()
    other[5, 2] += 1e-12
    return scores, classify(scores, names), other, classify(other, names)


def judged(scores, labels, other, other_labels, mapping=None):
    rows = compare_all(
        [{"label": labels, "scores": scores}],
        [{"label": other_labels, "scores": other}],
        labels={"label": "scores"} if mapping is None else mapping,
    )
    return rows["label"], rows["scores"]


def test_p5_a_flip_at_a_tie_is_told_apart(tied):
    label, scores = judged(*tied)
    assert label.passed
    assert (label.labels.ties, label.labels.agreeing, label.metrics.differing) == (1, 199, 1)
    assert "only at ties" in label.reason
    assert scores.labels.agreeing == 199


def test_a_flip_without_scores_fails(tied):
    label, _ = judged(*tied, mapping={"label": ""})
    assert (label.code, label.labels.agreeing) == ("PG107", 199)
    rows = compare_all([{"label": tied[1]}], [{"label": tied[3]}])
    assert rows["label"].code == "PG107"


def test_a_flip_beyond_the_tie_fails(tied):
    scores, labels, other, other_labels = tied
    other_labels[9] = {30: 10, 10: 20, 20: 30}[other_labels[9]]
    label, _ = judged(scores, labels, other, other_labels)
    assert (label.code, label.labels.ties, label.metrics.differing) == ("PG107", 1, 2)


def test_a_tie_excuses_only_the_classes_that_are_tied(tied):
    scores, labels, other, other_labels = tied
    other_labels[5] = 10  # class 1 scores 0.1 in that row
    assert judged(scores, labels, other, other_labels)[0].code == "PG107"


def test_a_tie_excuses_nothing_where_the_scores_differ(tied):
    scores, labels, other, other_labels = tied
    other[9] = other[9][::-1]
    label, row = judged(scores, labels, other, other_labels)
    assert (row.code, label.code) == ("PG101", "PG107")


def test_a_tie_excuses_nothing_for_a_label_that_was_never_answered(tied):
    scores, labels, other, other_labels = tied
    other_labels[5] = 77
    assert judged(scores, labels, other, other_labels)[0].code == "PG107"


def test_a_tie_excuses_nothing_for_a_label_of_two_columns(tied):
    """Columns 1 and 2 are both answered 20: which one's score speaks for it?"""
    scores, _, other, _ = tied
    scores[5] = other[5] = [0.45, 0.45, 0.1]
    labels = np.array([30, 20, 20])[scores.argmax(axis=1)]
    other_labels = labels.copy()
    other_labels[5] = 20
    assert judged(scores, labels, other, other_labels)[0].code == "PG107"


def test_a_tie_excuses_nothing_for_two_labels_of_one_column(tied):
    """20 is only answered where 30 is answered too, as by a classifier whose labels do not follow its scores."""
    scores, _, other, _ = tied
    labels = np.array([30, 10, 10])[scores.argmax(axis=1)]
    labels[np.flatnonzero(labels == 30)[-1]] = 20
    other_labels = labels.copy()
    other_labels[5] = 20
    assert labels[5] == 30
    assert judged(scores, labels, other, other_labels)[0].code == "PG107"


def test_wrong_class_order_fails():
    """The columns are permuted, and the labels with them: argmax agrees with itself on each side."""
    scores = RNG.dirichlet(np.ones(4), 50).astype(np.float32)
    label, row = judged(scores, scores.argmax(axis=1), scores[:, [1, 0, 2, 3]], scores[:, [1, 0, 2, 3]].argmax(axis=1))
    assert (label.code, row.code) == ("PG107", "PG101")


def test_agreement_on_the_best_and_on_the_best_five():
    want = np.eye(8, dtype=np.float32)
    got = want.copy()
    got[0] = [4, 8, 7, 6, 5, 0, 0, 0]  # the reference's best is the fifth
    got[1] = [8, 3, 7, 6, 5, 4, 0, 0]  # the sixth
    labels = compare_all([{"y": want}], [{"y": got}], scores=["y"])["y"].labels
    assert (labels.rows, labels.agreeing, labels.k, labels.top_k) == (8, 6, 5, 7 / 8)


# -- findings -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arrays", "expected"),
    [
        pytest.param([np.zeros((4, 3))], False, id="P28 zeros"),
        pytest.param([np.ones((2, 3)), np.ones((5, 3))], False, id="one constant"),
        pytest.param([np.array([[1.0, 2.0]] * 3)], False, id="all rows alike"),
        pytest.param([np.arange(3.0)] * 2, False, id="no batch axis, all samples alike"),
        pytest.param([np.full((2, 2), np.nan)], False, id="NaN throughout"),
        pytest.param([np.zeros((1, 3)), np.zeros((1, 4))], False, id="zeros of two shapes"),
        pytest.param([np.array(["a", "a"])], False, id="one label"),
        pytest.param([np.array(0.0)], False, id="one zero"),
        pytest.param([np.zeros((0, 3))], False, id="empty"),
        pytest.param([np.array([[1.0, 2.0]])], True, id="one row: nothing speaks against it"),
        pytest.param([np.array(["a", "b"])], True, id="two labels"),
        pytest.param([np.zeros((2, 3)), np.ones((2, 3))], True, id="samples differ"),
        pytest.param([np.zeros((1, 3)), np.ones((1, 4))], True, id="samples of two shapes differ"),
        pytest.param([np.array(3.0)], True, id="one number"),
    ],
)
def test_p28_outputs_that_never_vary(arrays, expected):
    assert varies(arrays) is expected


def test_p28_an_output_that_never_varies_is_said():
    rows = compare_all([{"a": np.zeros((4, 3)), "b": NORMAL}], [{"a": np.zeros((4, 3)), "b": NORMAL}])
    assert rows["a"].passed
    (finding,) = check_informative(tuple(rows.values()))
    assert (finding.code, finding.where) == ("PG110", "output a")


@pytest.mark.parametrize(
    ("spec", "faulty"),
    [
        pytest.param(TensorSpec("y", "float32", ("n", 16)), False, id="right"),
        pytest.param(TensorSpec("y", "float32", None), False, id="nothing declared"),
        pytest.param(TensorSpec("y", "float32", ("n", 8)), True, id="P11 another length"),
        pytest.param(TensorSpec("y", "float32", ("n", 16, 1)), True, id="another rank"),
        pytest.param(TensorSpec("y", "float64", ("n", 16)), True, id="another dtype"),
        pytest.param(TensorSpec("y", "float32", (64, 16)), True, id="P16 a batch baked in"),
        pytest.param(TensorSpec("z", "float32", ("n", 16)), True, id="not given at all"),
    ],
)
def test_p11_declared_outputs_must_be_true(spec, faulty):
    findings = check_declared((spec,), [{"y": NORMAL}, {"y": NORMAL[:1]}])
    assert [finding.code for finding in findings] == ["PG108"] * faulty
