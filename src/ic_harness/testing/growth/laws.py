"""The law by which a figure grows, by least squares on few models.

The models are sums: a constant, the law's own function of n and, for the laws above n, a multiple of n. Only the
constant may be negative, as it is where the first room of a table is free. The law's own term is a noticeable part of
the figure at the largest size. Residuals are relative to the figures, so that all sizes count alike. Of the laws whose
error is near the least, the simplest is taken: more terms always fit a little better.

Sizes double. A structure that grows by doubling its room costs steps, but at sizes that double its steps come at the
same places of each period, and the law shows as if there were none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import Enum
from itertools import combinations
from math import inf, isfinite, log2, sqrt
from typing import Final

from ic_harness.lazy_dataclass import dataclass

_EXACT: Final = 0.005
"""A relative error below which a law is taken to hold."""
_NEAR: Final = 1.5
"""The error of a simpler law may be that many times the least."""
_FLAT: Final = 0.005
"""Figures that differ by less, relative to the largest, are constant."""
_DOUBTFUL: Final = 0.05
"""A relative error above which a law is not certain."""
_NOTICEABLE: Final = 0.05
"""The least part of a figure at the largest size that the own term of its law must be."""
_MOST: Final = 1 << 200


class Law(Enum):
    """How a figure grows; the value is how it is written. Ordered from the slowest to the fastest."""

    CONSTANT = "constant"
    LOGARITHMIC = "log n"
    LINEAR = "n"
    LINEARITHMIC = "n log n"
    QUADRATIC = "n²"
    CUBIC = "n³"

    def __str__(self) -> str:
        return self.value

    @property
    def rank(self) -> int:
        """The place in the order."""
        return list(Law).index(self)

    def __lt__(self, other: Law) -> bool:
        return self.rank < other.rank

    def __le__(self, other: Law) -> bool:
        return self.rank <= other.rank

    def __gt__(self, other: Law) -> bool:
        return self.rank > other.rank

    def __ge__(self, other: Law) -> bool:
        return self.rank >= other.rank


def _one(_n: float) -> float:
    return 1.0


def _same(n: float) -> float:
    return n


def _log(n: float) -> float:
    return log2(n) if n > 1 else 0.0


def _n_log(n: float) -> float:
    return n * _log(n)


def _square(n: float) -> float:
    return n * n


def _cube(n: float) -> float:
    return n * n * n


Term = Callable[[float], float]
_TERMS: Final[dict[Law, tuple[Term, ...]]] = {
    Law.CONSTANT: (_one,),
    Law.LOGARITHMIC: (_one, _log),
    Law.LINEAR: (_one, _same),
    Law.LINEARITHMIC: (_one, _same, _n_log),
    Law.QUADRATIC: (_one, _same, _square),
    Law.CUBIC: (_one, _same, _cube),
}
"""The terms of each law; the last is its own."""


@dataclass(frozen=True, slots=True)
class Fit:
    """A law with its coefficients. `error` is the relative error of the figures (root of the mean square).

    `foretold` is the relative error with which the law, fitted to all sizes but the largest, foretells the largest.
    `rival` is another law that fits nearly as well.
    """

    law: Law
    coefficients: tuple[float, ...]
    error: float
    foretold: float
    rival: Law | None = None

    @property
    def certain(self) -> bool:
        """Whether the figures follow this law and no other, closely enough to foretell by it."""
        return self.rival is None and self.error <= _DOUBTFUL and self.foretold <= 2 * _DOUBTFUL

    def at(self, n: float) -> float:
        """Return the figure that the law foretells for size n."""
        return _value(_TERMS[self.law], self.coefficients, n)

    def size_at(self, limit: float) -> int | None:
        """Return the largest size whose figure is not above `limit`; 0 when none is, None when all are."""
        if self.at(_MOST) <= limit:
            return None
        low, high = 0, 1
        while self.at(high) <= limit:
            low, high = high, high * 2
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.at(middle) <= limit else (low, middle)
        return low


def fit_law(sizes: Sequence[int], figures: Sequence[float]) -> Fit:
    """Return the law by which `figures` grow with `sizes`, which are positive and increase.

    Raises ValueError for fewer than four sizes.
    """
    if len(sizes) != len(figures) or len(sizes) < 4:
        raise ValueError("a law needs the figures of four sizes or more")
    largest = max(figures)
    if largest - min(figures) <= _FLAT * largest:
        return Fit(Law.CONSTANT, (sum(figures) / len(figures),), 0.0, 0.0)
    found = {law: _fitted(_TERMS[law], sizes, figures) for law in Law}
    least = min(error for _, error in found.values())
    near = [law for law, (_, error) in found.items() if error <= max(_EXACT, _NEAR * least)]
    law = near[0]
    coefficients, error = found[law]
    rival = next((other for other in near[1:] if least > _EXACT and not _contains(other, law)), None)
    before, _ = _fitted(_TERMS[law], sizes[:-1], figures[:-1])
    foretold = abs(_value(_TERMS[law], before, sizes[-1]) / figures[-1] - 1) if figures[-1] else inf
    return Fit(law, coefficients, error, foretold, rival)


def _contains(other: Law, law: Law) -> bool:
    """Whether the model of `other` has all terms of `law`: it fits at least as well, which says nothing."""
    return set(_TERMS[law]) <= set(_TERMS[other])


def _value(terms: Sequence[Term], coefficients: Sequence[float], n: float) -> float:
    return sum(factor * term(n) for factor, term in zip(coefficients, terms, strict=True) if factor)


def _fitted(
    terms: tuple[Term, ...], sizes: Sequence[int], figures: Sequence[float]
) -> tuple[tuple[float, ...], float]:
    """Return the coefficients with the least relative error, of those that are allowed."""
    best: tuple[tuple[float, ...], float] = ((0.0,) * len(terms), inf)
    last = len(terms) - 1
    for count in range(len(terms)):
        for others in combinations(range(last), count):
            chosen = [*others, last]
            solution = _least_squares([terms[index] for index in chosen], sizes, figures)
            if solution is None or not _allowed(terms, chosen, solution, (sizes[-1], figures[-1])):
                continue
            coefficients = [0.0] * len(terms)
            for index, factor in zip(chosen, solution, strict=True):
                coefficients[index] = factor
            error = _error(terms, coefficients, sizes, figures)
            if error < best[1]:
                best = tuple(coefficients), error
    return best


def _allowed(
    terms: Sequence[Term], chosen: Sequence[int], solution: Sequence[float], largest: tuple[int, float]
) -> bool:
    size, figure = largest
    negative = any(factor < 0 and index for index, factor in zip(chosen, solution, strict=True))
    return not negative and solution[-1] * terms[-1](size) >= _NOTICEABLE * figure


def _error(
    terms: Sequence[Term], coefficients: Sequence[float], sizes: Sequence[int], figures: Sequence[float]
) -> float:
    squares = [
        ((_value(terms, coefficients, n) - y) / max(y, 1.0)) ** 2 for n, y in zip(sizes, figures, strict=True)
    ]
    return sqrt(sum(squares) / len(squares))


def _least_squares(
    terms: Sequence[Term], sizes: Sequence[int], figures: Sequence[float]
) -> list[float] | None:
    """Solve the normal equations, each column of length 1; None where they have no one solution."""
    columns = [[term(n) / max(y, 1.0) for n, y in zip(sizes, figures, strict=True)] for term in terms]
    scales = [sqrt(sum(value * value for value in column)) or 1.0 for column in columns]
    rows = [
        [value / scale for value, scale in zip(row, scales, strict=True)]
        for row in zip(*columns, strict=True)
    ]
    goals = [y / max(y, 1.0) for y in figures]
    size = range(len(terms))
    matrix = [
        [sum(row[i] * row[j] for row in rows) for j in size]
        + [sum(row[i] * goal for row, goal in zip(rows, goals, strict=True))]
        for i in size
    ]
    solution = _solved(matrix)
    return (
        None if solution is None else [factor / scale for factor, scale in zip(solution, scales, strict=True)]
    )


def _solved(matrix: list[list[float]]) -> list[float] | None:
    """Solve linear equations by elimination with pivots; None where they are singular."""
    count = len(matrix)
    for column in range(count):
        pivot = max(range(column, count), key=lambda row: abs(matrix[row][column]))
        if abs(matrix[pivot][column]) < 1e-12:
            return None
        matrix[column], matrix[pivot] = matrix[pivot], matrix[column]
        for row in range(count):
            if row != column:
                factor = matrix[row][column] / matrix[column][column]
                matrix[row] = [a - factor * b for a, b in zip(matrix[row], matrix[column], strict=True)]
    solution = [matrix[row][count] / matrix[row][row] for row in range(count)]
    return solution if all(map(isfinite, solution)) else None
