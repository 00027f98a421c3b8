"""PG2xx: what was given can't be used."""

from __future__ import annotations

from .guide import Guide

USAGE: dict[str, Guide] = {
    "PG201": Guide(
        "An option is misspelt, has a value of another form, or excludes another one that was given.",
        "The message shows a valid form; --help lists them all.",
        "paritygate convert --help",
    ),
    "PG202": Guide(
        "The path is misspelt, is relative to another folder, or belongs to another user.",
        "Check the path and its permissions.",
        "ls -l model.keras",
    ),
    "PG203": Guide(
        "The file is cut off, holds Python objects, or its suffix doesn't say what it is.",
        "Save the samples as .npz, .csv, .parquet or JSON, without objects (docs/samples.md).",
        "python -c \"import numpy as np; np.savez('holdout.npz', x=np.zeros((8, 4), 'float32'))\"",
    ),
    "PG204": Guide(
        "The samples' names aren't those of the inputs, an axis is missing, or the numbers have another dtype.",
        "Compare the file with what the model takes, and rename or reshape the arrays.",
        "paritygate inspect model.onnx",
    ),
    "PG205": Guide(
        "The folder doesn't exist, can't be written to or is full, or a folder or link has the name of the file.",
        "Name another file, make the folder, or free some space.",
        "mkdir -p out && paritygate convert model.keras -o out/model.onnx",
    ),
    "PG206": Guide(
        "PyTorch modules and some functions don't say what they take.",
        "Declare each input with its dtype and shape; a name in place of a length makes the axis dynamic.",
        "paritygate convert nets.py:build -o net.onnx --input x:float32:N,3,32,32",
    ),
    "PG207": Guide(
        "Apple's framework was asked for on another system than macOS.",
        "Use paritygate's own engine, or run the command on a Mac.",
        "paritygate validate model.keras Model.mlpackage --engine onnxruntime",
    ),
    "PG220": Guide("The command ran in another folder.", "Write a starter, or name the file.", "paritygate init"),
    "PG221": Guide(
        "A key is misspelt or stands in another section, or a value has another type.",
        "Correct the line that the message names; docs/paritygate.schema.json lets an editor check the file.",
        "paritygate gate --dry-run",
    ),
    "PG222": Guide(
        "The config asks for something that runs code or reads elsewhere.",
        "Read the config; if you trust it, confirm what it asks for.",
        "paritygate gate --allow code",
    ),
    "PG223": Guide(
        "A pattern matches no file, or two entries have one name or one output.",
        "Look at the plan, and correct the pattern or give the entries names.",
        "paritygate gate --dry-run",
    ),
    "PG224": Guide(
        "The file is another tool's, or the report of a gate with failures.",
        "Give the JSON report of a release that passed.",
        "paritygate gate --baseline last-release.json",
    ),
    "PG225": Guide(
        "A model or target was removed from the config, or renamed.",
        "Put it back; if it was removed on purpose, make a new baseline.",
        "paritygate gate --report json=baseline.json",
    ),
    "PG226": Guide(
        "The extra isn't installed by default.",
        "Install it on the machine that starts the gate and on the workers.",
        "pip install 'paritygate[cluster]'",
    ),
    "PG230": Guide(
        "The file was cut off, edited, printed by --json, or is another tool's.",
        "Make it again with --report json=FILE, which holds all that other formats need.",
        "paritygate validate a.onnx b.onnx --report json=parity.json",
    ),
    "PG231": Guide(
        "The job that wrote the report has a newer paritygate than the one that reads it.",
        "Install the same release in both places.",
        "pip install --upgrade paritygate",
    ),
    "PG232": Guide(
        "A model and target is in two of the reports, a shard is missing or given twice, or the runs had other options "
        "or releases.",
        "Give one report of each shard of one run.",
        "paritygate report merge shard-1.json shard-2.json -o gate.json",
    ),
    "PG240": Guide(
        "The receiver has neither the source nor the budget or waiver that the proof rests on.",
        "Bundle the model in float and without waivers, or hand over its report beside it.",
        "paritygate bundle model.keras -o model.parity.zip",
    ),
}
