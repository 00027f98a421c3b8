"""Einsum by transposes and one matrix product per operand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_letters

from ..common import Length, is_float, length, positions, reshape, select, times, transpose, unsqueezed, zero
from ..mil import Var, mb
from ..node import Node
from ..registry import translates


@dataclass(frozen=True, slots=True)
class _Term:
    """An operand and the letter of each of its axes."""

    x: Var
    letters: str


@translates("Einsum", since=12)
def einsum(node: Node, *xs: Var, equation: str) -> Var:
    """Sums of products along named axes."""
    inputs, output = _parsed(equation, [x.rank for x in xs])
    terms = [_without_diagonals(_Term(x, letters)) for x, letters in zip(xs, inputs, strict=True)]
    found = terms[0]
    for index, term in enumerate(terms[1:], 2):
        later = output + "".join(inputs[index:])
        found = _product(found, term, later)
    found = _summed(found, output)
    return transpose(found.x, [found.letters.index(c) for c in output])


def _parsed(equation: str, ranks: Sequence[int]) -> tuple[list[str], str]:
    """The letters of each operand and of the result, with the ellipsis replaced by unused letters."""
    inputs, arrow, output = equation.replace(" ", "").partition("->")
    terms = inputs.split(",")
    free = [c for c in ascii_letters if c not in equation]
    widths = [rank - len(t.replace("...", "")) for t, rank in zip(terms, ranks, strict=True)]
    widest = "".join(free[: max((w for t, w in zip(terms, widths, strict=True) if "..." in t), default=0)])
    expanded = [t.replace("...", widest[len(widest) - w :]) for t, w in zip(terms, widths, strict=True)]
    if arrow:
        return expanded, output.replace("...", widest)
    letters = "".join(expanded)
    return expanded, widest + "".join(sorted(c for c in set(letters) - set(widest) if letters.count(c) == 1))


def _without_diagonals(term: _Term) -> _Term:
    """For a repeated letter, elements off the diagonal become 0 and are summed."""
    for letter in dict.fromkeys(term.letters):
        while term.letters.count(letter) > 1:
            first, second, *_ = (i for i, c in enumerate(term.letters) if c == letter)
            term = _diagonal(term, first, second)
    return term


def _diagonal(term: _Term, first: int, second: int) -> _Term:
    x = term.x
    spots = positions(length(x, first))
    row = reshape(spots, [-1 if i == first else 1 for i in range(x.rank)])
    column = reshape(spots, [-1 if i == second else 1 for i in range(x.rank)])
    kept = mb.reduce_sum(x=select(mb.equal(x=row, y=column), x, zero(x)), axes=[second], keep_dims=False)
    return _Term(kept, term.letters[:second] + term.letters[second + 1 :])


def _summed(term: _Term, kept: str) -> _Term:
    axes = [i for i, c in enumerate(term.letters) if c not in kept]
    if not axes:
        return term
    return _Term(mb.reduce_sum(x=term.x, axes=axes, keep_dims=False), "".join(c for c in term.letters if c in kept))


def _product(a: _Term, b: _Term, later: str) -> _Term:
    """Two operands as one: a matrix product over the letters that are shared and not needed later."""
    a, b = _summed(a, later + b.letters), _summed(b, later + a.letters)
    shared = [c for c in a.letters if c in b.letters]
    batch, inner = [c for c in shared if c in later], [c for c in shared if c not in later]
    rows, columns = [c for c in a.letters if c not in shared], [c for c in b.letters if c not in shared]
    if not is_float(a.x) or _stretched(a, b, shared):
        return _summed(_multiplied(a, b), later)
    left = _grouped(a, batch, rows, inner)
    right = _grouped(b, batch, inner, columns)
    sizes = [_size(t, c) for t, group in ((a, batch), (a, rows), (b, columns)) for c in group]
    return _Term(reshape(mb.matmul(x=left, y=right), sizes), "".join(batch + rows + columns))


def _stretched(a: _Term, b: _Term, shared: Sequence[str]) -> bool:
    """Whether one operand has length 1 along an axis where the other hasn't."""
    return any(a.x.shape[a.letters.index(c)] != b.x.shape[b.letters.index(c)] for c in shared)


def _multiplied(a: _Term, b: _Term) -> _Term:
    """The elementwise product, with all letters of both."""
    letters = a.letters + "".join(c for c in b.letters if c not in a.letters)
    order = sorted(range(len(b.letters)), key=lambda i: letters.index(b.letters[i]))
    left = unsqueezed(a.x, range(len(a.letters), len(letters)))
    right = unsqueezed(transpose(b.x, order), [i for i, c in enumerate(letters) if c not in b.letters])
    return _Term(mb.mul(x=left, y=right), letters)


def _grouped(term: _Term, *groups: Sequence[str]) -> Var:
    """The operand with one axis per group of letters: (batch, rows, columns)."""
    order = [term.letters.index(c) for group in groups for c in group]
    x = transpose(term.x, order)
    return reshape(x, [times([_size(term, c) for c in group]) for group in groups])


def _size(term: _Term, letter: str) -> Length:
    return length(term.x, term.letters.index(letter))
