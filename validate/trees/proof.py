"""Proves two models' ensembles of trees equal for all inputs, or shows where they differ."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from .compare import Compared, Sides, compare
from .ensemble import Ensemble, Reading
from .normal import Domain, normal_trees
from .overlay import Steps, TooLargeError
from .pairing import by_target, merged, pair_ensembles
from .types import TreesProof

_MISSING = "missing values (NaN), which the candidate's trees send another way"

_IDENTICAL, _ROUNDED = "identical", "rounded to float32"


def prove(reference: Reading, candidate: Reading, *, single: bool, sampled: bool = True) -> TreesProof | None:
    """The proof of two models' trees; None where there are none.

    ``single`` says that a model takes float32 inputs, ``sampled`` that some sample has a missing value. Without one, a
    candidate that sends missing values another way is no failure: the user may have none.
    """
    ours, theirs = _aligned(reference.ensembles, candidate.ensembles)
    if not ours:
        return None
    single = single or any(each.single for each in (*ours, *theirs))
    domains = [Domain("float32" if single else "float64", each.infinite, each.missing) for each in ours]
    first, second = ([normal_trees(each, domains[0].dtype) for each in side] for side in (ours, theirs))
    partners = pair_ensembles(first, second)
    steps = Steps()
    results = [
        _compared(Sides(one, theirs[partners[n]], first[n], second[partners[n]]), domains[n], steps, sampled=sampled)
        if n in partners
        else (domains[n], _unpaired(one))
        for n, one in enumerate(ours)
    ]
    found = _summed(ours, [theirs[n] for n in partners.values()], results, (*reference.notes, *candidate.notes))
    return found if ours is reference.ensembles else _counted(found, reference)


def _counted(proof: TreesProof, reference: Reading) -> TreesProof:
    """The proof with the reference's own trees counted, not the parts into which its vector leaves were split."""
    trees = sum(len(each.trees) - each.constants for each in reference.ensembles)
    leaves = sum(int((tree.left < 0).sum()) for each in reference.ensembles for tree in each.trees)
    constants = sum(each.constants for each in reference.ensembles)
    parts = max(1, proof.trees // max(trees, 1))
    return replace(proof, trees=trees, proved=proof.proved // parts, leaves=leaves - constants)


def _aligned(ours: Sequence[Ensemble], theirs: Sequence[Ensemble]) -> tuple[Sequence[Ensemble], Sequence[Ensemble]]:
    """Both sides' ensembles, split or merged where the other side's are: one per target, one for all members."""
    if len(ours) == 1 < len(theirs) and ours[0].targets == len(theirs) and {e.targets for e in theirs} == {1}:
        return by_target(ours[0]), theirs
    if len(theirs) == 1 < len(ours) and theirs[0].targets == len(ours) and {e.targets for e in ours} == {1}:
        return ours, by_target(theirs[0])
    if len(theirs) == 1 < len(ours) and (whole := merged(ours)):
        return (whole,), theirs
    return ours, theirs


def _unpaired(ensemble: Ensemble, why: str = "the candidate has no ensemble with the same splits") -> Compared:
    leaves = sum(int((tree.left < 0).sum()) for tree in ensemble.trees)
    return Compared(len(ensemble.trees) - ensemble.constants, leaves - ensemble.constants, unclear=why)


def _compared(sides: Sides, domain: Domain, steps: Steps, *, sampled: bool) -> tuple[Domain, Compared]:
    """The comparison over the widest domain that can be claimed.

    NaN is looked at last, when the rest is equal: converters that know no missing values send it anywhere. Behind
    something that may remove NaN, a difference there is no fault.
    """
    plain = replace(domain, missing=False)
    try:
        found = compare(sides, plain, steps)
    except TooLargeError:
        return domain, _unpaired(sides.reference, "the trees are too large")
    if found.unclear or found.differing or not domain.missing:
        return plain, found
    try:
        wide = compare(sides, domain, steps, found.relation)
    except TooLargeError:
        return plain, found
    decides = sampled and sides.reference.direct and sides.candidate.direct
    claimed = not wide.unclear and (not wide.differing or decides)
    return (domain, wide) if claimed else (plain, replace(found, apart=_MISSING))


def _summed(
    ours: Sequence[Ensemble],
    theirs: Sequence[Ensemble],
    results: Sequence[tuple[Domain, Compared]],
    notes: Sequence[str],
) -> TreesProof:
    found = [each for _, each in results]
    clear = [each for each in found if not each.unclear]
    units = max((each.units for each in clear), default=0.0)
    return TreesProof(
        trees=sum(each.trees for each in found),
        proved=sum(max(0, each.trees - each.differing) for each in clear),
        differing=sum(each.differing for each in clear),
        domain=str(min((domain for domain, _ in results), key=lambda each: (each.missing, each.infinite))),
        rounding=_ROUNDED if units else _IDENTICAL,
        whole=all(each.direct for each in (*ours, *theirs)) and bool(theirs),
        leaves=sum(each.leaves for each in found),
        differences=tuple(difference for each in found for difference in each.differences),
        outside=tuple(dict.fromkeys(_outside(ours, theirs, found, notes))),
    )


def _outside(
    ours: Sequence[Ensemble], theirs: Sequence[Ensemble], found: Sequence[Compared], notes: Sequence[str]
) -> Iterator[str]:
    """What the proof doesn't cover."""
    for each in found:
        if each.unclear:
            yield each.unclear
        if each.apart:
            yield each.apart
        if each.base:
            yield "the constants that are added to every row, {:.9g} and {:.9g}".format(*each.base)
    for ensemble in (*ours, *theirs):
        yield from ensemble.outside
    yield from notes
