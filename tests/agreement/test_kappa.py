"""Cohen's kappa where the oracle says nothing."""

import math

import pytest

from tapscope.agreement.kappa import cohen_kappa
from tapscope.errors import ComparisonError


def test_by_hand() -> None:
    counts = [[50, 26, 24], [24, 4, 32], [6, 30, 4]]
    one, other = [], []
    for row, line in enumerate(counts):
        for column, count in enumerate(line):
            one += [row] * count
            other += [column] * count
    observed = (50 + 4 + 4) / 200
    rows, columns = [100, 60, 40], [80, 60, 60]
    chance = sum(r * c for r, c in zip(rows, columns, strict=True)) / 200**2
    assert cohen_kappa(one, other).value == pytest.approx((observed - chance) / (1 - chance))


def test_perfect_agreement_and_none() -> None:
    found = cohen_kappa([True, False, True], [True, False, True])
    assert (found.value, found.low, found.high) == (1.0, 1.0, 1.0)
    assert cohen_kappa([True, False], [False, True]).value == -1.0


def test_without_a_choice_it_is_undefined() -> None:
    found = cohen_kappa([False] * 5, [False] * 5)
    assert math.isnan(found.value)
    assert "undefined" in found.method


@pytest.mark.parametrize("lists", [([], []), ([1], [1, 2]), ([[1]], [[1]])])
def test_lists_that_do_not_belong_together_are_refused(lists: tuple[object, object]) -> None:
    with pytest.raises(ComparisonError, match="same length"):
        cohen_kappa(*lists)  # type: ignore[arg-type]
