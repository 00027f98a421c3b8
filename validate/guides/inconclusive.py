"""PG3xx: nothing was proved."""

from __future__ import annotations

from .guide import Guide

INCONCLUSIVE: dict[str, Guide] = {
    "PG301": Guide(
        "The file is damaged, or needs an operator, opset or type that the installed runtime doesn't have.",
        "Read the runtime's own message; try a lower --opset or a newer runtime.",
        "paritygate convert model.keras -o model.onnx --opset 17",
    ),
    "PG302": Guide(
        "A shape is fixed in the graph, an index is out of range, or a kernel is missing for a type.",
        "Give samples of the sizes that the model takes, or declare free axes with --dynamic.",
        "paritygate validate model.pt2 model.onnx --batch 1 --batch 4",
    ),
    "PG303": Guide(
        "A framework or runtime has crashed in native code, or the system has killed the process.",
        "Run again with --keep and read the worker's log; update the library that crashes.",
        "paritygate validate a.onnx b.onnx --keep job/",
    ),
    "PG304": Guide(
        "The model is large, the machine is busy, or the model never ends for some sample.",
        "Give more time, or fewer and smaller samples.",
        "paritygate convert model.keras -o model.onnx --timeout 1800",
    ),
    "PG305": Guide(
        "The model and its samples need more memory than the limit.",
        "Raise the limit, or use smaller batches.",
        "paritygate convert model.keras -o model.onnx --memory-limit 12G --batch 1",
    ),
    "PG306": Guide(
        "The models have no output in common, or there are no samples.",
        "Bind outputs whose names differ, and give samples.",
        "paritygate validate a.onnx b.onnx --bind y=output_0 --samples holdout.npz",
    ),
    "PG307": Guide(
        "Dropout is active, the model draws random numbers without a seed, or sums run in changing order.",
        "Put the model into evaluation mode, or give its random operators a seed.",
        "model.eval()  # before the model is saved",
    ),
    "PG308": Guide(
        "A case that nobody has thought of.",
        "Run again with --debug and report what it prints.",
        "paritygate convert model.keras -o model.onnx --debug",
    ),
    "PG309": Guide(
        "BatchNorm is in training mode, the model normalises over the batch, or the output is rounding noise.",
        "Put the model into evaluation mode, or give samples on which the output is well determined.",
        "model.eval()  # before the model is saved",
    ),
    "PG310": Guide(
        "One of the two runtimes computes an operator differently, often in float16.",
        "Judge by the runtime that you ship with, and ask for float32 where it matters.",
        "paritygate validate model.keras Model.mlpackage --engine coreml",
    ),
    "PG311": Guide(
        "The outputs are all equal or empty, or the tolerance is so wide that nothing could fail.",
        "Give samples on which the outputs vary, and a tolerance that they could exceed.",
        "paritygate validate a.onnx b.onnx --samples holdout.npz --rtol 1e-3 --atol 1e-5",
    ),
    "PG312": Guide(
        "A fusion of ONNX Runtime's is wrong or much less accurate on this processor.",
        "Use another release of ONNX Runtime, or switch its optimisation off where you ship.",
        "pip install --upgrade onnxruntime",
    ),
    "PG313": Guide(
        "ONNX Runtime or the reference implementation has a fault in an operator.",
        "Compare with a second release of ONNX Runtime, and report the operator to the project at fault.",
        "paritygate validate a.onnx b.onnx --second-opinion",
    ),
    "PG314": Guide(
        "The model isn't deterministic near the input that was found, or it crashes there.",
        "Search again with another seed; read the worker's log where it crashes.",
        "paritygate validate a.onnx b.onnx --search 60 --seed 1",
    ),
    "PG315": Guide(
        "Generated samples saturate the output, or the output doesn't depend on what they vary.",
        "Give real samples, or the range that real inputs have.",
        "paritygate convert model.keras -o model.onnx --samples holdout.npz",
    ),
    "PG316": Guide(
        "The graph holds an operator that can't be run with added rounding errors, or it is too large.",
        "Check whether the table's tolerance suits the model, or set bounds of your own.",
        "paritygate validate a.onnx b.onnx --rtol 1e-3 --atol 1e-5",
    ),
    "PG319": Guide(
        "There are few samples, or they are all of one kind.",
        "Add samples for what the message lists, or ask for a smaller share.",
        "paritygate validate a.onnx b.onnx --samples more.npz --min-coverage 0.8",
    ),
    "PG322": Guide(
        "The candidate was converted to float16 or bfloat16.",
        "If that is meant, accept it.",
        "paritygate validate model.keras Model.mlpackage --precision fp16",
    ),
    "PG335": Guide(
        "A share of 0.5 % needs several hundred rows to be told from chance.",
        "Give more samples, or allow a greater share.",
        "paritygate convert model.onnx -o small.onnx --quantize static --samples 5000.npz --max-flips 0.5%",
    ),
    "PG336": Guide(
        "Eight or four bits round far more than any tolerance for float32 allows.",
        "Say what may change with a budget.",
        "paritygate validate model.onnx int8.onnx --samples holdout.npz --max-flips 0.5%",
    ),
    "PG337": Guide(
        "The runtime is older than an operator or opset of the candidate.",
        "Convert with a lower opset, or drop that runtime from --prove-in.",
        "paritygate check model.onnx",
    ),
    "PG340": Guide(
        "Ctrl-C, or a signal of the CI system's.", "Run it again: what is done is cached.", "paritygate gate"
    ),
    "PG341": Guide(
        "The process was killed, often for its memory, or the machine went away.",
        "Run it again with fewer entries at once.",
        "paritygate gate --jobs 1",
    ),
    "PG342": Guide(
        "The scheduler isn't running, or a firewall is between.",
        "Start it, and check the address.",
        "dask scheduler --port 8786",
    ),
    "PG345": Guide(
        "The sender left the samples out, because their values may not leave the house.",
        "Ask the sender for a bundle with samples that may, or validate against the source.",
        "paritygate bundle model.keras -o model.parity.zip --samples public.npz",
    ),
}
