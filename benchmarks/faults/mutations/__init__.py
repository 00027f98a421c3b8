"""The catalogue of mutations by name, and the family of each."""

from __future__ import annotations

from ..graphs import Mutation
from . import attributes, decoys, hidden, interface, numbers, recurrent, trees, weights

FAMILIES: dict[str, dict[str, Mutation]] = {
    "weights": weights.TABLE,
    "settings of operators": attributes.TABLE,
    "recurrent layers": recurrent.TABLE,
    "trees": trees.TABLE,
    "interface": interface.TABLE,
    "number formats": numbers.TABLE,
    "places that few inputs reach": hidden.TABLE,
    "small faults with a decoy": decoys.TABLE,
}

MUTATIONS: dict[str, Mutation] = {name: function for table in FAMILIES.values() for name, function in table.items()}
"""Every mutation; each takes a model and a random generator, and yields mutants in random order."""

FAMILY_OF: dict[str, str] = {name: family for family, table in FAMILIES.items() for name in table}
