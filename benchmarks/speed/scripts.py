"""Programs of the benchmark: they make a model's file, or convert it where the bare converter has no command."""

from __future__ import annotations

TORCH_BARE = """
import sys, torch
program = torch.export.load(sys.argv[1])
torch.onnx.export(program, dynamo=True).save(sys.argv[2])
"""
SKLEARN_BARE = """
import sys, joblib, numpy, skl2onnx
model = joblib.load(sys.argv[1])
onx = skl2onnx.to_onnx(model, numpy.zeros((1, model.n_features_in_), numpy.float32), options={"zipmap": False})
open(sys.argv[2], "wb").write(onx.SerializeToString())
"""
TEXT_BARE = """
import sys, joblib, skl2onnx
from skl2onnx.common.data_types import StringTensorType
model = joblib.load(sys.argv[1])
onx = skl2onnx.to_onnx(model, initial_types=[("text", StringTensorType([None, 1]))], options={"zipmap": False})
open(sys.argv[2], "wb").write(onx.SerializeToString())
"""
XGBOOST_BARE = """
import sys, xgboost, onnxmltools
from onnxmltools.convert.common.data_types import FloatTensorType
model = xgboost.XGBClassifier()
model.load_model(sys.argv[1])
onx = onnxmltools.convert_xgboost(model, initial_types=[("X", FloatTensorType([None, model.n_features_in_]))])
open(sys.argv[2], "wb").write(onx.SerializeToString())
"""

KERAS = """
import sys, keras
L = keras.layers
keras.utils.set_random_seed(0)
name, output = sys.argv[1:]
if name == "digits":
    model = keras.models.load_model("out/bench/digits_cnn.keras")
elif name == "LSTM":
    tokens = keras.Input((None,), dtype="int32")
    x = L.Bidirectional(L.LSTM(128, return_sequences=True))(L.Embedding(10000, 128)(tokens))
    model = keras.Model(tokens, L.Dense(5, activation="softmax")(L.LSTM(128)(x)))
else:
    ends = {"classifier_activation": None} if name.startswith("EfficientNet") else {}
    model = getattr(keras.applications, name)(weights=None, **ends)
    pixels = any(isinstance(layer, L.Rescaling) for layer in model.layers)  # which takes 0 to 255
    for layer in model.layers:  # statistics of a batch: with the initial ones the output is the same for any image
        layer.momentum = 0.1 if pixels else 0.0
    shape = (8, *model.input_shape[1:])
    model(keras.random.uniform(shape, 0, 255) if pixels else keras.random.normal(shape), training=True)
model.export(output, verbose=False)
"""
"""SavedModel at the second argument of the network that the first one names."""

TORCH = """
import sys, torch, transformers as t
from torch import nn
torch.manual_seed(0)
name, output = sys.argv[1:]
ids, pixels = torch.zeros(2, 16, dtype=torch.int64), torch.zeros(2, 3, 224, 224)
batch = torch.export.Dim("batch")

class UNet(nn.Module):
    def __init__(self, sizes=(32, 64, 128, 256)):
        super().__init__()
        both = lambda a, b: nn.Sequential(
            nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU(), nn.Conv2d(b, b, 3, padding=1), nn.ReLU())
        self.down = nn.ModuleList(both(a, b) for a, b in zip((3, *sizes), sizes))
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, 2) for a, b in zip(sizes, sizes[1:]))
        self.join = nn.ModuleList(both(2 * a, a) for a in sizes[:-1])
        self.head = nn.Conv2d(sizes[0], 2, 1)

    def forward(self, image):
        kept = []
        for stage in self.down[:-1]:
            kept.append(image := stage(image))
            image = nn.functional.max_pool2d(image, 2)
        image = self.down[-1](image)
        for up, join, old in zip(reversed(self.up), reversed(self.join), reversed(kept)):
            image = join(torch.cat([up(image), old], 1))
        return self.head(image)

class Logits(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, ids):
        return self.inner(input_ids=ids, use_cache=False)[0]

make = {
    "BERT4": lambda: (t.BertModel(t.BertConfig(num_hidden_layers=4, return_dict=False)), ids),
    "BERT": lambda: (t.BertModel(t.BertConfig(return_dict=False)), ids),
    "GPT2": lambda: (Logits(t.GPT2LMHeadModel(t.GPT2Config())), ids),
    "ViT": lambda: (t.ViTModel(t.ViTConfig(return_dict=False)), pixels),
    "UNet": lambda: (UNet(), torch.zeros(2, 3, 128, 128)),
}
model, example = make[name]()
model.eval()
if name == "UNet":  # with batch statistics other than 0 and 1
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean.normal_(0, 0.2); layer.running_var.uniform_(0.5, 1.5)
program = torch.export.export(model, (example,), strict=False, dynamic_shapes=({0: batch},))
torch.export.save(program, output)
"""
"""Program of torch.export at the second argument of the network that the first one names."""

TABLES = """
import sys, joblib, numpy
from sklearn.datasets import load_breast_cancer
name, output = sys.argv[1:]
X, y = load_breast_cancer(return_X_y=True)
if name == "xgboost":
    import xgboost
    xgboost.XGBClassifier(n_estimators=500, max_depth=4, n_jobs=2).fit(X.astype("float32"), y).save_model(output)
else:
    import sklearn.datasets, sklearn.feature_extraction.text as text
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    names = ("load_iris", "load_wine", "load_diabetes", "load_digits", "load_breast_cancer", "load_linnerud")
    texts = [getattr(sklearn.datasets, name)().DESCR for name in names]
    lines = [(line, k) for k, whole in enumerate(texts) for line in whole.splitlines() if line.strip()]
    model = make_pipeline(text.TfidfVectorizer(), LogisticRegression(max_iter=500))
    joblib.dump(model.fit([a for a, _ in lines], [b for _, b in lines]), output)
"""
"""A trained model of a table, or of text, at the second argument."""
