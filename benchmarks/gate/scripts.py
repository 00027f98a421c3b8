"""The programs of the shell loop: what a careful user writes without paritygate."""

from __future__ import annotations

from ..speed.scripts import SKLEARN_BARE, TORCH_BARE

MAKE_ESTIMATORS = """
import sys, joblib
from sklearn import ensemble, linear_model, neighbors, neural_network, pipeline, preprocessing, svm, tree
from sklearn.datasets import load_breast_cancer
folder, count = sys.argv[1], int(sys.argv[2])
X, y = load_breast_cancer(return_X_y=True)
X = X.astype("float32")
makers = [
    lambda: linear_model.LogisticRegression(max_iter=500),
    lambda: svm.SVC(),
    lambda: tree.DecisionTreeClassifier(max_depth=4),
    lambda: ensemble.RandomForestClassifier(20),
    lambda: linear_model.Ridge(),
    lambda: neighbors.KNeighborsClassifier(),
    lambda: neural_network.MLPClassifier((16,), max_iter=50),
    lambda: ensemble.GradientBoostingClassifier(n_estimators=20),
    lambda: linear_model.SGDClassifier(),
    lambda: ensemble.ExtraTreesClassifier(20),
]
for number in range(count):
    model = pipeline.make_pipeline(preprocessing.StandardScaler(), makers[number % len(makers)]())
    joblib.dump(model.fit(X, y), f"{folder}/estimator{number}.joblib")
"""

MAKE_KERAS = """
import sys, keras
folder, count = sys.argv[1], int(sys.argv[2])
L = keras.layers
for number in range(count):
    keras.utils.set_random_seed(number)
    if number % 2:
        layers = [keras.Input((16,)), L.Dense(32 + number, activation="tanh"), L.Dense(4)]
    else:
        convolution = L.Conv2D(4 + number, 3, activation="relu")
        layers = [keras.Input((12, 12, 3)), convolution, L.GlobalAveragePooling2D(), L.Dense(4)]
    keras.Sequential(layers).export(f"{folder}/network{number}", verbose=False)
"""

MAKE_TORCH = """
import sys, torch
from torch import nn
folder, count = sys.argv[1], int(sys.argv[2])
for number in range(count):
    torch.manual_seed(number)
    if number % 2:
        model = nn.Sequential(nn.Linear(16, 32 + number), nn.ReLU(), nn.Linear(32 + number, 4))
        example = torch.zeros(2, 16)
    else:
        model = nn.Sequential(nn.Conv2d(3, 4 + number, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        example = torch.zeros(2, 3, 12, 12)
    program = torch.export.export(model.eval(), (example,), dynamic_shapes=({0: torch.export.Dim("batch")},))
    torch.export.save(program, f"{folder}/program{number}.pt2")
"""

_COMPARE = """
def compare(expected, actual):
    expected, actual = [numpy.asarray(each) for each in expected], [numpy.asarray(each) for each in actual]
    assert len(expected) == len(actual)
    for one, other in zip(expected, actual):
        one = one.astype(other.dtype).reshape(other.shape)
        assert numpy.allclose(one, other, rtol=1e-3, atol=1e-4), numpy.abs(one - other).max()
"""

COMPARE_ESTIMATOR = f"""
import sys, joblib, numpy, onnxruntime
{_COMPARE}
model = joblib.load(sys.argv[1])
rows = numpy.random.default_rng(0).normal(size=(64, model.n_features_in_)).astype("float32")
session = onnxruntime.InferenceSession(sys.argv[2])
actual = session.run(None, {{session.get_inputs()[0].name: rows}})[:1]
compare([model.predict(rows)], actual)
"""

COMPARE_SAVED_MODEL = f"""
import sys, numpy, onnxruntime, tensorflow as tf
{_COMPARE}
serve = tf.saved_model.load(sys.argv[1]).signatures["serving_default"]
(spec,) = serve.structured_input_signature[1].values()
batch = numpy.random.default_rng(0).normal(size=(8, *spec.shape[1:])).astype("float32")
session = onnxruntime.InferenceSession(sys.argv[2])
expected = [each.numpy() for each in serve(tf.constant(batch)).values()]
compare(expected, session.run(None, {{session.get_inputs()[0].name: batch}}))
"""

COMPARE_PROGRAM = f"""
import sys, numpy, onnxruntime, torch
{_COMPARE}
program = torch.export.load(sys.argv[1])
shape = program.example_inputs[0][0].shape
batch = numpy.random.default_rng(0).normal(size=(8, *shape[1:])).astype("float32")
session = onnxruntime.InferenceSession(sys.argv[2])
expected = program.module()(torch.from_numpy(batch)).detach().numpy()
compare([expected], session.run(None, {{session.get_inputs()[0].name: batch}}))
"""

CONVERT_ESTIMATOR, CONVERT_PROGRAM = SKLEARN_BARE, TORCH_BARE

MAKE_ONNX = """
import sys, onnx
from onnx import parser
folder, count = sys.argv[1], int(sys.argv[2])
head = '<ir_version: 8, opset_import: ["" : 17]> g (float[N,4] x) => (float[N,4] y)'
for number in range(count):
    text = f"{head} {{ c = Constant <value_float = {number + 1}.0> () y = Mul (x, c) }}"
    onnx.save(parser.parse_model(text), f"{folder}/m{number:03}.onnx")
"""

MEMORY = """
import sys
import psutil
from paritygate.gate import GateOptions, gate
from paritygate.gate.api import Silent

class Watch(Silent):
    done_so_far = 0

    def done(self, entry):
        self.done_so_far += 1
        if self.done_so_far in (int(sys.argv[1]), int(sys.argv[2])):
            print(psutil.Process().memory_info().rss)

gate(options=GateOptions(jobs=2, cache=False), watcher=Watch())
"""
"""Prints the bytes that the gate's process holds when so many models are done, twice."""
