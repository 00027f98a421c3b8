"""PG1xx: the models differ."""

from __future__ import annotations

from .guide import Guide

PARITY: dict[str, Guide] = {
    "PG101": Guide(
        "An operator is translated incorrectly, an attribute got lost (a resize mode, an epsilon), or the candidate "
        "computes in a coarser type than the tolerance expects.",
        "Look at 'starts at': it names the first operator that differs. Try another --opset or --route, keep in "
        "float32 what float16 spoils (--precision mixed), or accept the difference by name with --tolerance.",
        "paritygate convert model.keras -o model.onnx --opset 18",
    ),
    "PG102": Guide(
        "An axis became fixed in the conversion, a batch axis was squeezed, or a reshape was folded for one size.",
        "Declare axes that stay free with --dynamic NAME:AXIS, and a fixed length with --input.",
        "paritygate convert net.pt2 -o net.onnx --dynamic image:2 --dynamic image:3",
    ),
    "PG103": Guide(
        "The converter narrows float64 to float32 or int64 to int32, or writes labels as numbers.",
        "Keep the source's width with --dtype float64, or add a cast to the source model so that both agree.",
        "paritygate convert pipeline.joblib -o pipeline.onnx --dtype float64",
    ),
    "PG104": Guide(
        "The converter has dropped or renamed an output.",
        "If it only has another name, bind the two; otherwise export the output in the source model.",
        "paritygate validate model.pt2 model.onnx --bind output_0=logits",
    ),
    "PG105": Guide(
        "The converter has added an output or renamed one.",
        "If it only has another name, bind the two; otherwise remove the output from the candidate.",
        "paritygate validate model.pt2 model.onnx --bind output_0=logits",
    ),
    "PG106": Guide(
        "An intermediate value overflows in float16, a mask constant became infinite, or the samples are outside of "
        "what the model is defined for (a logarithm of negative numbers).",
        "Give real samples or a range. If the candidate overflows, use --precision mixed or fp32.",
        "paritygate convert model.keras -o model.onnx --range image:0:1",
    ),
    "PG107": Guide(
        "The scores differ enough to change the class, or a threshold is compared in another precision, as with "
        "float32 inputs of a tree that was trained in float64.",
        "Look at the scores first. For trees, convert with --dtype float64; for a quantised model, give a budget.",
        "paritygate convert forest.joblib -o forest.onnx --dtype float64",
    ),
    "PG108": Guide(
        "The file declares another shape or dtype than its runtime returns, or fixes an axis, so that programs which "
        "read the declaration fail.",
        "Declare the axes with --dynamic and the inputs with --input, and convert again.",
        "paritygate convert net.pt2 -o net.onnx --dynamic tokens:1",
    ),
    "PG109": Guide(
        "No sample leads to a result: nothing was detected, or a filter removed all rows.",
        "Give samples for which the output has elements.",
        "paritygate validate detector.pt2 detector.onnx --samples photos/",
    ),
    "PG110": Guide(
        "The samples saturate the model, the model ignores its input, or a branch was never taken.",
        "Give samples that make the output vary.",
        "paritygate validate model.keras model.onnx --samples holdout.npz",
    ),
    "PG111": Guide(
        "The reference returns lists of differing lengths, dictionaries or objects.",
        "Wrap the model so that it returns arrays of numbers, booleans or text.",
        "paritygate convert wrapped.py:build -o model.onnx --input x:float32:N,16",
    ),
    "PG112": Guide(
        "Small differences add up in what the metric measures, or flip decisions.",
        "Find the output that differs in the table; if the drop is acceptable, give the metric a wider MAX_DIFF.",
        "paritygate validate a.onnx b.onnx --metric metrics:accuracy:0.01",
    ),
    "PG113": Guide(
        "Somebody has accepted this difference in the config file.",
        "If it is outdated, fix the model and remove the waiver; otherwise renew its date or its bound.",
        '[[waiver]]  output = "scores"  max_abs = 0.01  reason = "int8"  expires = 2027-01-31',
    ),
    "PG114": Guide(
        "Weights were loaded partly, pruned, rounded, or taken from another checkpoint.",
        "Convert again from the checkpoint that is meant, and compare the file that the message names.",
        "paritygate convert nets.py:build --weights best.pt -o net.onnx --input x:float32:N,16",
    ),
    "PG115": Guide(
        "A threshold was rounded to float32, a direction for missing values was lost, or a tree is missing.",
        "Convert with --dtype float64, or try another --route.",
        "paritygate convert forest.joblib -o forest.onnx --dtype float64",
    ),
    "PG125": Guide(
        "A runtime or release computes an operator differently, or in a coarser type.",
        "Raise the oldest runtime that you support, or avoid the operator that the message names.",
        "paritygate convert model.keras -o model.onnx --prove-in onnxruntime@1.16",
    ),
}
