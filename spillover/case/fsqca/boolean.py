"""Boolean minimisation: prime implicants, and every smallest cover by them.

Combinations are whole numbers whose binary digits are the conditions. An implicant is a pair
(value, free): the digits in ``free`` may be either, the others are those of ``value``.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from spillover.case.fsqca.expression import Term

Implicant = tuple[int, int]


def prime_implicants(numbers: Iterable[int], size: int) -> list[Implicant]:
    """Merge combinations that differ in one condition until none can be merged.

    Parameters
    ----------
    numbers : iterable of int
        Combinations in which the function holds or may hold.
    size : int
        Conditions.

    Returns
    -------
    list of (value, free)
        The prime implicants (Quine 1952; McCluskey 1956), shortest first.

    Examples
    --------
    >>> prime_implicants([0b10, 0b11], 2)
    [(2, 1)]
    """
    level = {(number, 0) for number in numbers}
    primes: list[Implicant] = []
    while level:
        merged: set[Implicant] = set()
        used: set[Implicant] = set()
        for value, free in level:
            for j in range(size):
                bit = 1 << j
                if free & bit or value & bit:
                    continue
                partner = (value | bit, free)
                if partner in level:
                    merged.add((value, free | bit))
                    used |= {(value, free), partner}
        primes += sorted(level - used, reverse=True)
        level = merged
    return primes[::-1]


def covers(implicant: Implicant, number: int) -> bool:
    """Tell whether a combination belongs to an implicant.

    Examples
    --------
    >>> covers((0b10, 0b01), 0b11), covers((0b10, 0b01), 0b01)
    (True, False)
    """
    value, free = implicant
    return (number & ~free) == value


def smallest_covers(primes: list[Implicant], numbers: Iterable[int]) -> list[tuple[int, ...]]:
    """Find every cover of the combinations with the fewest prime implicants.

    Parameters
    ----------
    primes : list of implicants
    numbers : iterable of int
        Combinations that must be covered.

    Returns
    -------
    list of tuples of positions in ``primes``

    Examples
    --------
    >>> smallest_covers([(2, 1), (1, 2)], [2, 3])
    [(0,)]
    """
    needed = {
        number: [at for at, prime in enumerate(primes) if covers(prime, number)]
        for number in numbers
    }
    essential = {at[0] for at in needed.values() if len(at) == 1}
    open_ = [set(at) for at in needed.values() if not essential & set(at)]
    open_ = _without_supersets(open_)
    useful = sorted(set().union(*open_))
    for size in range(len(open_) + 1):
        found = [
            tuple(sorted(essential | set(chosen))) for chosen in _hitting_sets(open_, size, useful)
        ]
        if found:
            return sorted(set(found))
    return []


def _without_supersets(sets: list[set[int]]) -> list[set[int]]:
    """Keep the least demanding statement of each demand."""
    unique = {frozenset(one) for one in sets}
    return [set(one) for one in unique if not any(other < one for other in unique)]


def _hitting_sets(demands: list[set[int]], size: int, useful: list[int]) -> list[frozenset[int]]:
    """List the sets of at most ``size`` positions that meet every demand."""
    if not demands:
        return [frozenset()]
    if size == 0:
        return []
    if size == 1:
        return [frozenset({at}) for at in useful if all(at in demand for demand in demands)]
    first = min(demands, key=len)
    found: set[frozenset[int]] = set()
    for at in first:
        rest = [demand for demand in demands if at not in demand]
        left = sorted(set().union(*rest)) if rest else []
        found |= {one | {at} for one in _hitting_sets(rest, size - 1, left)}
    return list(found)


def to_term(implicant: Implicant, size: int) -> Term:
    """Write an implicant as a term, first condition first.

    Examples
    --------
    >>> to_term((0b10, 0b01), 2)
    (1, None)
    """
    value, free = implicant
    digits = [1 << (size - 1 - j) for j in range(size)]
    return tuple(None if free & bit else int(bool(value & bit)) for bit in digits)


def members(term: Term) -> frozenset[int]:
    """List the combinations that belong to a term.

    Examples
    --------
    >>> sorted(members((1, None)))
    [2, 3]
    """
    size = len(term)
    base = sum(1 << (size - 1 - j) for j, value in enumerate(term) if value == 1)
    free = [1 << (size - 1 - j) for j, value in enumerate(term) if value is None]
    return frozenset(
        base + sum(chosen) for count in range(len(free) + 1) for chosen in combinations(free, count)
    )
