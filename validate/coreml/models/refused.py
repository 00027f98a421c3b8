"""Model types that can be computed by Apple's operating systems only, each with the reason."""

_APPLE = "its weights are part of Apple's operating systems"
_OPAQUE = "its parameters are in a format that Apple does not document"

REFUSED = {
    "audioFeaturePrint": _APPLE,
    "soundAnalysisPreprocessing": _APPLE,
    "visionFeaturePrint": _APPLE,
    "wordTagger": _APPLE,
    "gazetteer": _OPAQUE,
    "serializedModel": _OPAQUE,
    "textClassifier": _OPAQUE,
    "wordEmbedding": _OPAQUE,
    "customModel": "a custom model's code is not in the file",
}
"""By their names in Model.proto's ``Type``."""
