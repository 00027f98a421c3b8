"""PG4xx and PG5xx: the source can't be converted, or isn't safe to open."""

from __future__ import annotations

from .guide import Guide

SOURCE: dict[str, Guide] = {
    "PG401": Guide(
        "The file is a checkpoint without a model, another tool's format, or data.",
        "Give the model itself, or a factory for it together with --weights.",
        "paritygate convert nets.py:build --weights best.pt -o net.onnx --input x:float32:N,16",
    ),
    "PG402": Guide(
        "The file is cut off, was saved by another release of the framework, or refers to classes that are missing.",
        "Check the file's size, and save it again with the installed release.",
        "paritygate doctor",
    ),
    "PG403": Guide(
        "Only ONNX is read without an extra.",
        "Install the extra that the message names.",
        "pip install 'paritygate[tensorflow]'",
    ),
    "PG404": Guide(
        "The operator is new, rare, or the user's own.",
        "Try another --route or a newer --opset, or replace the layer in the source model.",
        "paritygate convert model.keras -o model.onnx --opset 20",
    ),
    "PG405": Guide(
        "The converter has a fault, or doesn't know the installed framework's release.",
        "Read the converter's message; try another --route.",
        "paritygate convert model.keras -o model.onnx --route keras_to_onnx",
    ),
    "PG406": Guide(
        "The generated samples don't suit the model: indices out of range, lengths that it doesn't take.",
        "Give real samples, or declare inputs and ranges.",
        "paritygate convert model.pt2 -o model.onnx --range tokens:0:30521",
    ),
    "PG407": Guide(
        "Nobody has written a converter from this format to the target.",
        "Choose another target, or save the source in another format first.",
        "paritygate convert model.tflite -o model.onnx",
    ),
    "PG408": Guide(
        "The model needs operators of a newer opset or system, or the converter writes older ones only.",
        "Ask for the opset that the message names, or leave --opset out.",
        "paritygate convert model.keras -o model.onnx --opset 18",
    ),
    "PG415": Guide(
        "The model has no layers with weights that can be quantised, or too few dimensions.",
        "Quantise weights alone, or ship the model as it is.",
        "paritygate convert model.onnx -o small.onnx --quantize weights --samples holdout.npz --min-snr 30",
    ),
    "PG501": Guide(
        "Pickles and Lambda layers hold code, and a stranger's may do anything to this machine.",
        "Save the model in a format without code (safetensors, .keras without Lambda, ONNX); or, if you made it "
        "yourself, trust it.",
        "paritygate convert mine.pt -o mine.onnx --trust",
    ),
    "PG502": Guide(
        "An archive or external data points to a path elsewhere: damaged, moved, or made to read other files.",
        "Put all of the model's files into one folder and save it again.",
        "paritygate inspect model/model.onnx",
    ),
    "PG440": Guide(
        "The bundle was cut off or changed on its way, or put together from several.",
        "Don't use the model. Fetch the bundle again, and compare its SHA-256 with the sender's.",
        "paritygate verify model.parity.zip --key sender.pub.pem",
    ),
    "PG540": Guide(
        "Another key signed it, nobody did, or somebody changed it afterwards.",
        "Don't use the model. Ask the sender for the key, by another way than the bundle came.",
        "paritygate verify model.parity.zip --key sender.pub.pem",
    ),
    "PG541": Guide(
        "The archive was made to write elsewhere or to fill the disk, or another tool packed it again.",
        "Don't unpack it. Ask the sender for the bundle as paritygate wrote it.",
        "paritygate verify model.parity.zip",
    ),
}
