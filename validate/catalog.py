"""Every code that paritygate can print, with the text of ``paritygate explain``."""

from __future__ import annotations

from .errors import Explanation

CATALOG: dict[str, Explanation] = {
    "PG101": Explanation("values differ", "An output's values differ by more than the tolerance allows."),
    "PG102": Explanation("shape differs", "An output of the candidate doesn't have the shape of the reference's."),
    "PG103": Explanation("dtype differs", "An output of the candidate doesn't have the dtype of the reference's."),
    "PG104": Explanation("output missing", "The reference has an output that the candidate lacks."),
    "PG105": Explanation("output extra", "The candidate has an output that is not bound to any of the reference's."),
    "PG106": Explanation("NaN or infinity differ", "NaN or infinity are in different places, or the signs differ."),
    "PG107": Explanation(
        "labels differ", "A label, string, integer or boolean differs; a tolerance does not apply to these."
    ),
    "PG108": Explanation(
        "signature differs",
        "The candidate's outputs don't have the declared shape or dtype, an input is missing, or an axis is fixed that "
        "is dynamic in the reference.",
    ),
    "PG109": Explanation("output empty", "An output has no element in any sample, so nothing was proved about it."),
    "PG110": Explanation("output is constant", "An output is the same in every sample, so agreement proves little."),
    "PG111": Explanation("not comparable", "An output holds values that can't be compared, such as Python objects."),
    "PG112": Explanation(
        "user metric differs", "A metric given by --metric differs between the two models by more than its MAX_DIFF."
    ),
    "PG113": Explanation(
        "waived",
        "The config file has a waiver for this output. It accepts greater differences until it expires; or it has "
        "expired, or the difference exceeds even the waiver.",
    ),
    "PG114": Explanation(
        "weights differ",
        "The candidate holds a parameter of the reference with some values changed, such as one row of an embedding. "
        "That is a difference even if no sample reaches these values.",
    ),
    "PG115": Explanation(
        "trees differ",
        "A tree of the candidate isn't the reference's: a split, a leaf or the direction of missing values differs. "
        "The message has an input for which their sums differ. It holds whether or not a sample reaches it.",
    ),
    "PG125": Explanation(
        "differs in another runtime",
        "In a runtime that --prove-in names, the candidate's outputs differ from the reference's by more than the "
        "verdict allows, although they may agree in the runtime of this machine: one of the two has another kernel, "
        "another default precision, or a fault. Nothing is exported.",
    ),
    "PG201": Explanation("bad option", "The value of an option is invalid."),
    "PG202": Explanation("no such file", "A given file or folder does not exist or can't be read."),
    "PG203": Explanation("samples can't be read", "The samples file is damaged, empty or of an unknown format."),
    "PG204": Explanation("samples don't fit", "The samples do not fit the model's inputs by name, shape or dtype."),
    "PG205": Explanation(
        "output can't be written",
        "OUTPUT has an unknown suffix, is an input of the command, or is something else than a file; or a folder "
        "can't be written to: OUTPUT's, or that of temporary files (TMPDIR).",
    ),
    "PG206": Explanation("inputs unknown", "The model does not declare its inputs; declare them with --input."),
    "PG207": Explanation(
        "engine not on this system",
        "The requested engine does not run on this system; Apple's framework needs macOS.",
    ),
    "PG220": Explanation(
        "no config file",
        "There is no paritygate.toml, and no pyproject.toml with [tool.paritygate]. `paritygate init` writes one.",
    ),
    "PG221": Explanation(
        "config not understood",
        "The config file has a key that isn't known, or a value of another type. The message says where it stands.",
    ),
    "PG222": Explanation(
        "not confirmed",
        "The config file asks for what a file may not decide by itself: code to run, files that may run code to be "
        "trusted, variables to be passed, paths outside of its folder, no limits. It may be a stranger's: confirm it "
        "on the command line.",
    ),
    "PG223": Explanation(
        "plan not possible",
        "The config file, or --select, names models or targets that don't exist, gives two entries one name, or would "
        "write two models to the same file.",
    ),
    "PG224": Explanation(
        "baseline refused",
        "The file given by --baseline isn't the JSON report of a gate, or that gate failed: nothing can be measured by "
        "it.",
    ),
    "PG225": Explanation(
        "gone since the baseline",
        "A model and target that the baseline holds isn't in the config any longer. It would leave without a verdict.",
    ),
    "PG226": Explanation(
        "cluster missing", "--executor names a Dask cluster, and the extra [cluster] isn't installed."
    ),
    "PG230": Explanation(
        "report can't be read", "The file isn't a report that --report json=FILE has written, or it is damaged."
    ),
    "PG231": Explanation("report too new", "A newer paritygate has written the report, in a form this one can't read."),
    "PG232": Explanation(
        "reports don't belong together",
        "The reports can't be joined: they have entries in common, lack a shard, or are of runs with other options.",
    ),
    "PG301": Explanation("candidate can't be loaded", "The engine rejects the converted model, so nothing was proved."),
    "PG302": Explanation("candidate can't be run", "The engine loaded the candidate but failed to run it."),
    "PG303": Explanation("worker crashed", "The worker process died (segmentation fault, abort, killed)."),
    "PG304": Explanation("out of time", "The worker did not finish within --timeout."),
    "PG305": Explanation("out of memory", "The worker grew beyond --memory-limit or the system's memory."),
    "PG306": Explanation("nothing compared", "No output was compared; an empty comparison never passes."),
    "PG307": Explanation("not deterministic", "Two runs of one model on the same samples give different outputs."),
    "PG308": Explanation("internal error", "paritygate itself failed; nothing was proved."),
    "PG309": Explanation(
        "output depends on the batch",
        "The reference's output for a row changes when the batch also holds a copy of it. Either the model mixes the "
        "rows of a batch, or rounding alone decides its output there.",
    ),
    "PG310": Explanation(
        "engines disagree",
        "With --engine both, two runtimes give different values for the same model, such as Apple's framework and "
        "paritygate's own engine for a Core ML model. The conversion isn't the cause, and nothing was proved about it.",
    ),
    "PG311": Explanation(
        "self-check failed",
        "The comparison missed a fault that was put into a copy of the outputs, so a pass would prove nothing.",
    ),
    "PG312": Explanation(
        "optimisation changes the output",
        "ONNX Runtime's outputs with and without graph optimisation differ by more than rounding explains. That is a "
        "fault of the engine, not of the conversion: the values were compared without optimisation.",
    ),
    "PG313": Explanation(
        "engines disagree",
        "With --second-opinion, the outputs of onnx.reference and ONNX Runtime differ for the same file. One of them "
        "computes an operator incorrectly.",
    ),
    "PG314": Explanation(
        "search not confirmed",
        "A search found a difference that no sample shows again, or the candidate's process died during the search.",
    ),
    "PG315": Explanation(
        "output not tested",
        "The values agree, but an output moves over the samples by hardly more than rounding alone explains, or not at "
        "all: agreement proves nothing about it. Give samples on which it moves.",
    ),
    "PG316": Explanation(
        "rounding not measured",
        "The candidate's graph could not be run with added rounding errors, so the tolerance is that of a table.",
    ),
    "PG319": Explanation(
        "samples exercise too little",
        "The samples exercise less of the model than --min-coverage asks for: rows of a table, positions, branches, "
        "classes or masks that no sample reached could be wrong without any difference to be seen.",
    ),
    "PG240": Explanation(
        "can't be bundled",
        "The proof can't be repeated without the source: it rests on a budget or a waiver, or the model is quantised.",
    ),
    "PG322": Explanation(
        "precision not accepted",
        "The candidate computes in a coarser type than the reference, such as float16, and --precision doesn't accept "
        "it. Its values were judged by the wider tolerance of that type.",
    ),
    "PG335": Explanation(
        "too few rows for the budget",
        "The budget holds for the rows that were counted, but so few rows can't prove it: by chance alone the true "
        "share may be greater. The message has the bound that they prove with 95 % confidence (Clopper and Pearson). "
        "Give more samples.",
    ),
    "PG336": Explanation(
        "quantised without a budget",
        "The candidate is quantised and the reference is not. A tolerance for float32 says nothing about such numbers: "
        "say with a budget what may change, --max-flips, --max-drop or --min-snr.",
    ),
    "PG337": Explanation(
        "can't be run in another runtime",
        "A runtime that --prove-in names refuses the candidate or fails on a sample: parity isn't proved there. "
        "paritygate check tells what a release refuses, and what to do about it.",
    ),
    "PG345": Explanation(
        "values left out",
        "The bundle was made with --redact, so it holds no samples and no expected outputs. Hashes, the signature and "
        "whether the model loads and runs can be verified, parity can't.",
    ),
    "PG340": Explanation("interrupted", "The gate was interrupted before this model was done. Nothing was exported."),
    "PG341": Explanation(
        "lost by the executor",
        "The process or machine that worked on an entry of a gate has ended. Nothing was proved about it.",
    ),
    "PG342": Explanation("no cluster", "No Dask scheduler answers at the address of --executor. Nothing was done."),
    "PG401": Explanation(
        "format not recognised",
        "The file or folder isn't a model that paritygate reads: it is another tool's, or holds only weights or data, "
        "or nothing says what it is. The message says what to give in its place.",
    ),
    "PG402": Explanation("source can't be read", "The framework could not load the source model."),
    "PG403": Explanation("framework missing", "The framework that reads this source is not installed."),
    "PG404": Explanation("unsupported operators", "The converter has no translation for some operators or layers."),
    "PG405": Explanation("conversion failed", "The converter failed; its own message follows."),
    "PG406": Explanation("source can't be run", "The source model failed on the samples."),
    "PG407": Explanation("no route", "There is no route from this source format to the target."),
    "PG408": Explanation("opset not available", "The route can't produce the requested opset."),
    "PG415": Explanation(
        "can't be quantised",
        "The conversion passed, but --quantize finds no layer whose weights it can quantise, or the quantiser fails.",
    ),
    "PG440": Explanation(
        "bundle is damaged",
        "A file of the bundle is missing, is not listed in SHA256SUMS, doesn't have the hash that is listed there, or "
        "contradicts another one: the report is about another model, or a tolerance isn't the one in the report.",
    ),
    "PG501": Explanation("file can run code", "Loading the file would run code that it refers to."),
    "PG502": Explanation("path leaves the folder", "The file refers to a path outside of its own folder."),
    "PG540": Explanation(
        "signature wrong",
        "The bundle isn't signed by the key that was given, or was changed after it was signed. Don't use the model.",
    ),
    "PG541": Explanation(
        "unsafe archive",
        "A member of the archive could write outside of its folder, overwrite another one or unpack to more than the "
        "archive holds. No bundle of paritygate has such members. Nothing was unpacked.",
    ),
}
