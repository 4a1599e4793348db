"""A measured result as the command line prints it: in words, or as a line of JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from maml_core.evaluation.confidence_intervals import percent
from maml_core.evaluation.records import ERRORS

LISTS = ("accuracy", "ci95", "difference", "difference_ci95", ERRORS)


def print_result(result: Mapping[str, Any], as_json: bool) -> None:
    """Print what was measured, and a paired difference where there is one."""
    if as_json:
        # JSON has no NaN; an interval that there is none of is null.
        half_widths = {
            name: [None if math.isnan(half) else half for half in values]
            for name, values in result.items()
            if name in ("ci95", "difference_ci95")
        }
        print(json.dumps({**result, **half_widths}), flush=True)
        return
    print(", ".join(f"{name} {value}" for name, value in result.items() if name not in LISTS))
    for step, (mean, half) in enumerate(zip(result["accuracy"], result["ci95"], strict=True)):
        print(f"  step {step:2d}  {percent(mean, half, 2):>13} %")
    if "minus" in result:
        print(f"{result['method']} minus {result['minus']}, paired over the same episodes:")
        pairs = zip(result["difference"], result["difference_ci95"], strict=True)
        for step, (mean, half) in enumerate(pairs):
            print(f"  step {step:2d}  {percent(mean, half, 2):>13} points")
