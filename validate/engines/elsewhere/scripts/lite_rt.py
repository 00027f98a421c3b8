"""LiteRT's interpreter on the CPU, with its own kernels and XNNPACK."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from serve import serve

THREADS = 2


class Interpreter:
    """The model, opened by the first question. Inputs and outputs have the names of the file's only signature."""

    def describe(self):
        import ai_edge_litert
        from ai_edge_litert.interpreter import Interpreter

        self.interpreter = Interpreter(sys.argv[1], num_threads=THREADS)
        signatures = self.interpreter.get_signature_list()
        self.names = {}
        if len(signatures) == 1:
            runner = self.interpreter.get_signature_runner(next(iter(signatures)))
            details = {**runner.get_input_details(), **runner.get_output_details()}
            self.names = {detail["index"]: name for name, detail in details.items()}
        version = getattr(ai_edge_litert, "__version__", "")
        return {"version": version, "provider": "CPU, XNNPACK", "precision": "as typed", "threads": THREADS}

    def run(self, feed, names):
        inputs = {self.names.get(each["index"], each["name"]): each for each in self.interpreter.get_input_details()}
        for name, array in feed.items():
            self.interpreter.resize_tensor_input(inputs[name]["index"], array.shape, strict=True)
        self.interpreter.allocate_tensors()
        for name, array in feed.items():
            self.interpreter.set_tensor(inputs[name]["index"], array)
        self.interpreter.invoke()
        outputs = {self.names.get(each["index"], each["name"]): each for each in self.interpreter.get_output_details()}
        return {name: self.interpreter.get_tensor(outputs[name]["index"]) for name in names}


model = Interpreter()
serve(model.describe, model.run)
