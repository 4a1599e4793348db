"""What MAML's leads say by how far the test characters lie from those of training."""

from __future__ import annotations

import math
from collections.abc import Sequence

from maml_core.evaluation.confidence_intervals import in_points
from maml_core.evaluation.training_distance import Lead, rank_correlation
from maml_core.teaching.sentences.words import spelled

CLEAR = 0.5  # a rank correlation from which a sentence speaks of a tendency


def describe_leads(leads: Sequence[Lead], method: str) -> str:
    """Say on how many sets who is ahead, and whether the lead grows with the distance.

    Args:
        leads: Over one method, at least two, the nearest first.
        method: What a sentence calls it.
    """
    ahead, open_, behind = (sum(lead.sign == sign for lead in leads) for sign in (1, 0, -1))
    on = f"on {spelled(ahead) if ahead else 'none'} of {spelled(len(leads), 'set')}"
    parts = [f"MAML is ahead of {method} {on}"]
    parts += [f"{method} is ahead on {spelled(behind)}"] if behind else []
    parts += [f"on {spelled(open_)} the two cannot be told apart"] if open_ else []
    sentences = [", ".join(parts) + ".", _extremes(leads), _tendency(leads), _errors(leads, method)]
    return " ".join(sentences)


def leads_in_words(leads: Sequence[Lead]) -> str:
    """Return each set's distance and lead, for a text alternative."""
    parts = (f"{one.name} at {one.distance:.2g}: {points(one)}" for one in leads)
    return f"MAML's lead in points by distance, the nearest set first: {'; '.join(parts)}."


def points(lead: Lead) -> str:
    """Return a lead in points with its sign: '+1.3 ± 0.2'."""
    return in_points(lead.mean, lead.ci95)


def share_of_errors(lead: Lead) -> str:
    """Return what a lead is of the other's errors: '30 %', '−3 %', '–' where it has none."""
    if math.isnan(lead.share_avoided):
        return "–"
    return f"{100 * lead.share_avoided:z.0f} %".replace("-", "−")


def _extremes(leads: Sequence[Lead]) -> str:
    largest = max(leads, key=lambda lead: lead.mean)
    nearest = leads[0]
    text = f"On the nearest set, {nearest.name}, MAML's lead is {points(nearest)} points"
    if largest is nearest:
        return f"{text}, and nowhere larger."
    return f"{text}; it is largest on {largest.name}, {points(largest)}."


def _tendency(leads: Sequence[Lead]) -> str:
    correlation = rank_correlation([one.distance for one in leads], [one.mean for one in leads])
    number = f"rank correlation {correlation:.2f}".replace("-", "−")
    if not abs(correlation) >= CLEAR:
        return f"The distance alone does not say how large it is ({number})."
    return f"It {'grows' if correlation > 0 else 'shrinks'} with the distance ({number})."


def _errors(leads: Sequence[Lead], method: str) -> str:
    """Say what the leads of the nearest and the farthest set are of the other's errors."""
    near, far = map(share_of_errors, (leads[0], leads[-1]))
    return (
        f"As a share of the errors of {method} the lead is {near} on the nearest set and {far} on "
        "the farthest."
    )
