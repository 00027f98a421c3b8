"""ONNX Runtime of any release, on the CPU."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from serve import serve

THREADS = 2


class Session:
    """The model, opened by the first question."""

    def describe(self):
        import onnxruntime

        settings = onnxruntime.SessionOptions()
        settings.log_severity_level = 4
        settings.intra_op_num_threads = THREADS
        self.session = onnxruntime.InferenceSession(sys.argv[1], settings, providers=["CPUExecutionProvider"])
        return {
            "version": onnxruntime.__version__, "provider": "CPUExecutionProvider", "precision": "as typed",
            "threads": THREADS,
        }  # fmt: skip

    def run(self, feed, names):
        feed = {name: array.astype(object) if array.dtype.kind == "U" else array for name, array in feed.items()}
        return dict(zip(names, self.session.run(names, feed)))


model = Session()
serve(model.describe, model.run)
