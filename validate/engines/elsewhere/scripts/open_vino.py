"""OpenVINO on the CPU, in float32: by default it computes in bfloat16 where the CPU has instructions for it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from serve import serve

THREADS = 2


class Compiled:
    """The model, compiled by the first question."""

    def describe(self):
        import openvino

        core = openvino.Core()
        settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": THREADS}
        self.model = core.compile_model(core.read_model(sys.argv[1]), "CPU", settings)
        precision = self.model.get_property("INFERENCE_PRECISION_HINT").to_string()
        return {"version": openvino.__version__, "provider": "CPU", "precision": precision, "threads": THREADS}

    def run(self, feed, names):
        known = {name for port in self.model.inputs for name in port.get_names()}
        found = self.model({name: array for name, array in feed.items() if name in known})  # it drops unused inputs
        return {name: found[name] for name in names}


model = Compiled()
serve(model.describe, model.run)
