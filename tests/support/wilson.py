"""Wilson's interval from its defining equation."""

from __future__ import annotations

import math

from scipy.optimize import brentq


def wilson_half_width(mean, standard_error, quantile, queries):
    """Return the longer side of the interval between the roots of the equation."""
    share = (mean * queries + 0.5) / (queries + 1)
    n = share * (1 - share) / max(standard_error, 1 / queries) ** 2

    def excess(p):
        return abs(p - mean) - quantile * math.sqrt(p * (1 - p) / n)

    low = brentq(excess, 0, min(mean, 1 - 1e-9)) if mean > 0 else 0
    high = brentq(excess, mean, 1) if mean < 1 else 1
    return max(mean - low, high - mean)
