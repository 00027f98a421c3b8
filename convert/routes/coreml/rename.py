"""Renames a specification's features, wherever they are used."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

Change = Callable[[str], str]

_NETWORKS = ("neuralNetwork", "neuralNetworkClassifier", "neuralNetworkRegressor")


def rename_features(spec: Any, names: Mapping[str, str]) -> None:
    """Rename the features of an ML Program or neural network, in place and all at once.

    ``coremltools.utils.rename_feature`` misses values that blocks of loops and branches read, and allows two values
    with the same name; here an inner value that has one of the new names is renamed.
    """
    seen: set[str] = set()

    def remember(name: str) -> str:
        seen.add(name)
        return name

    _change(spec, remember)
    wanted = {old: new for old, new in names.items() if old != new}
    changes = {**_renamed_inner(seen - set(names), set(wanted.values())), **wanted}
    _change(spec, lambda name: changes.get(name, name))


def _renamed_inner(inner: set[str], wanted: set[str]) -> dict[str, str]:
    taken = inner | wanted
    changes = {}
    for name in sorted(inner & wanted):
        changes[name] = next(free for number in count() if (free := f"{name}_inner{number}") not in taken)
        taken.add(changes[name])
    return changes


def _change(spec: Any, change: Change) -> None:
    description = spec.description
    for feature in (*description.input, *description.output):
        feature.name = change(feature.name)
    for field in ("predictedFeatureName", "predictedProbabilitiesName"):
        if getattr(description, field):
            setattr(description, field, change(getattr(description, field)))
    kind = spec.WhichOneof("Type")
    if kind == "mlProgram":
        for function in spec.mlProgram.functions.values():
            _rename(function.inputs, change)
            for block in function.block_specializations.values():
                _change_block(block, change)
    elif kind in _NETWORKS:
        _change_network(getattr(spec, kind), change)


def _rename(values: Any, change: Change) -> None:
    for value in values:
        value.name = change(value.name)


def _change_block(block: Any, change: Change) -> None:
    _rename(block.inputs, change)
    for operation in block.operations:
        for argument in operation.inputs.values():
            _rename((binding for binding in argument.arguments if binding.HasField("name")), change)
        _rename(operation.outputs, change)
        for inner in operation.blocks:
            _change_block(inner, change)
    block.outputs[:] = map(change, block.outputs)


def _change_network(network: Any, change: Change) -> None:
    for layer in network.layers:
        layer.input[:] = map(change, layer.input)
        layer.output[:] = map(change, layer.output)
        _change_nested(layer, change)
    for preprocessing in getattr(network, "preprocessing", ()):
        preprocessing.featureName = change(preprocessing.featureName)
    if getattr(network, "labelProbabilityLayerName", ""):
        network.labelProbabilityLayerName = change(network.labelProbabilityLayerName)


def _change_nested(layer: Any, change: Change) -> None:
    kind = layer.WhichOneof("layer")
    if kind == "branch":
        _change_network(layer.branch.ifBranch, change)
        _change_network(layer.branch.elseBranch, change)
    elif kind == "loop":
        layer.loop.conditionVar = change(layer.loop.conditionVar)
        _change_network(layer.loop.conditionNetwork, change)
        _change_network(layer.loop.bodyNetwork, change)
