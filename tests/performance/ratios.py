"""Paired ratios, their median and a bootstrap confidence interval; pure arithmetic."""

from __future__ import annotations

import random
from dataclasses import dataclass
from statistics import median

__all__ = ["Estimate", "paired"]

RESAMPLES = 2000


@dataclass(frozen=True)
class Estimate:
    """A median with the bounds of its 95 % bootstrap confidence interval."""

    value: float
    low: float
    high: float


def paired(numerators: list[float], denominators: list[float], *, seed: int = 1) -> Estimate:
    """Median of the ratios of values measured in the same round, one pair per round.

    The interval is the percentile bootstrap of Efron: the pairs are drawn with replacement, the median taken each time,
    and the middle 95 % of those medians kept.
    """
    ratios = [over / under for over, under in zip(numerators, denominators, strict=True)]
    draw = random.Random(seed)
    medians = sorted(median(draw.choices(ratios, k=len(ratios))) for _ in range(RESAMPLES))
    return Estimate(median(ratios), medians[int(RESAMPLES * 0.025)], medians[int(RESAMPLES * 0.975) - 1])
