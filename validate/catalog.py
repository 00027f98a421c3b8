"""Every code that paritygate can print, with the longer text behind ``paritygate explain``."""

from __future__ import annotations

from .errors import Explanation

CATALOG: dict[str, Explanation] = {
    "PG101": Explanation("values differ", "An output's values differ by more than the tolerance allows."),
    "PG102": Explanation("shape differs", "An output of the candidate has another shape than the reference's."),
    "PG103": Explanation("dtype differs", "An output of the candidate has another dtype than the reference's."),
    "PG104": Explanation("output missing", "The reference has an output that the candidate does not give."),
    "PG105": Explanation("output extra", "The candidate gives an output that is bound to nothing in the reference."),
    "PG106": Explanation("NaN or infinity differ", "NaN or infinity stand in different places."),
    "PG107": Explanation(
        "labels differ", "A label, string, integer or boolean differs; such values have no tolerance."
    ),
    "PG108": Explanation(
        "signature differs",
        "The candidate declares another shape or dtype than it gives, has lost an input, or has fixed an axis that the "
        "reference leaves open.",
    ),
    "PG109": Explanation("output empty", "An output has no element in any sample, so nothing was proved about it."),
    "PG110": Explanation("output says little", "An output is the same in every sample, so agreement proves little."),
    "PG111": Explanation("not comparable", "An output holds values that have no comparison, such as Python objects."),
    "PG112": Explanation(
        "user metric differs", "A metric given by --metric differs between the two models by more than its MAX_DIFF."
    ),
    "PG113": Explanation(
        "waived",
        "A waiver of the config file speaks of this output: it lets greater differences pass until it expires, or it "
        "has expired, or it allows less than the output is off.",
    ),
    "PG201": Explanation("bad option", "An option's value can't be used."),
    "PG202": Explanation("no such file", "A file or folder that was named does not exist or can't be read."),
    "PG203": Explanation("samples can't be read", "The samples file is damaged, empty or of an unknown format."),
    "PG204": Explanation("samples don't fit", "The samples do not fit the model's inputs by name, shape or dtype."),
    "PG205": Explanation("output can't be written", "OUTPUT has an unknown suffix or its folder can't be written to."),
    "PG206": Explanation("inputs not known", "The model does not say which inputs it takes; declare them."),
    "PG207": Explanation(
        "engine not on this system",
        "The engine that was asked for runs on other systems only; Apple's framework needs macOS.",
    ),
    "PG301": Explanation("candidate can't be loaded", "The engine refuses the converted model, so nothing was proved."),
    "PG302": Explanation("candidate can't be run", "The engine loaded the candidate but failed to run it."),
    "PG303": Explanation("worker crashed", "The worker process died (segmentation fault, abort, killed)."),
    "PG304": Explanation("out of time", "The worker did not finish within --timeout."),
    "PG305": Explanation("out of memory", "The worker grew beyond --memory-limit or the system's memory."),
    "PG306": Explanation("nothing compared", "No output was compared; an empty comparison never passes."),
    "PG307": Explanation("not deterministic", "Two runs of the reference on the same samples give different values."),
    "PG308": Explanation("internal error", "Something in paritygate itself went wrong; nothing was proved."),
    "PG309": Explanation(
        "answer not settled",
        "The reference gives a row another answer when a copy of the row stands beside it in the batch. Either the "
        "model mixes the rows of a batch, or its answer there is decided by rounding alone.",
    ),
    "PG310": Explanation(
        "engines disagree",
        "With --engine both, Apple's framework and paritygate's own engine give different values for the same Core ML "
        "model. That is no fault of the conversion, and nothing was proved about it.",
    ),
    "PG311": Explanation(
        "self-check failed",
        "The comparison did not notice a fault that was put into a copy of the outputs, so its pass proves nothing.",
    ),
    "PG312": Explanation(
        "optimisation changes the answer",
        "ONNX Runtime gives another answer with its graph optimisation than without it, by more than rounding "
        "explains. That is a fault inside of one engine, not of the conversion: the values were compared without "
        "optimisation.",
    ),
    "PG313": Explanation(
        "engines disagree",
        "onnx.reference, asked with --second-opinion, gives another answer than ONNX Runtime for the same file. One of "
        "them is wrong about an operator.",
    ),
    "PG401": Explanation("format not recognised", "Neither the suffix nor the first bytes say what the file is."),
    "PG402": Explanation("source can't be read", "The framework could not load the source model."),
    "PG403": Explanation("framework missing", "The framework that reads this source is not installed."),
    "PG404": Explanation("unsupported operators", "The converter has no translation for some operators or layers."),
    "PG405": Explanation("conversion failed", "The converter gave up; its own reason follows."),
    "PG406": Explanation("source can't be run", "The source model failed on the samples."),
    "PG407": Explanation("no route", "There is no conversion from this source to that target."),
    "PG408": Explanation("opset out of reach", "The route can't produce the opset that was asked for."),
    "PG501": Explanation("file can run code", "Loading the file would run code that it names."),
    "PG502": Explanation("path leaves the folder", "The file refers to a path outside of its own folder."),
}
