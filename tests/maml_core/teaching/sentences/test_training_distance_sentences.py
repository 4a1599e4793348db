"""What is said of MAML's leads: the counts are those of the leads, and a tendency needs one."""

from __future__ import annotations

import pytest

from maml_core.evaluation.training_distance import Lead
from maml_core.teaching.sentences.training_distance import (
    describe_leads,
    leads_in_words,
    points,
)


def made(*means: float, half: float = 0.01) -> list[Lead]:
    return [Lead(f"set {n}", float(n), mean, half, 0.9 - mean) for n, mean in enumerate(means, 1)]


CASES = {
    "it grows": (
        made(0.005, 0.02, 0.03, 0.06),
        "MAML is ahead of ANIL on three of four sets, on one the two cannot be told apart. On the "
        "nearest set, set 1, MAML's lead is +0.5 ± 1.0 points; it is largest on set 4, +6.0 ± 1.0. "
        "It grows with the distance (rank correlation 1.00). As a share of the errors of ANIL the "
        "lead is 5 % on the nearest set and 38 % on the farthest.",
    ),
    "the other wins": (
        made(0.0, -0.02, -0.03),
        "MAML is ahead of ANIL on none of three sets, ANIL is ahead on two, on one the two cannot "
        "be told apart. On the nearest set, set 1, MAML's lead is +0.0 ± 1.0 points, and nowhere "
        "larger. It shrinks with the distance (rank correlation −1.00). As a share of the errors "
        "of ANIL the lead is 0 % on the nearest set and −43 % on the farthest.",
    ),
    "no tendency": (
        made(0.02, 0.06, 0.03, 0.02),
        "MAML is ahead of ANIL on four of four sets. On the nearest set, set 1, MAML's lead is "
        "+2.0 ± 1.0 points; it is largest on set 2, +6.0 ± 1.0. The distance alone does not say "
        "how large it is (rank correlation −0.11). As a share of the errors of ANIL the lead is "
        "17 % on the nearest set and 17 % on the farthest.",
    ),
}


def test_next_to_nothing_has_no_sign() -> None:
    assert "the lead is 5 % on the nearest set and 0 % on" in describe_leads(
        made(0.005, -0.0001), "ANIL"
    )


def test_who_makes_no_error_has_no_share_of_them() -> None:
    leads = [Lead("near", 1.0, -0.02, 0.01, 1.0), *made(0.005)]
    assert "the lead is – on the nearest set and 5 % on" in describe_leads(leads, "ANIL")


@pytest.mark.parametrize("name", CASES)
def test_the_sentence_says_what_the_leads_are(name):
    leads, expected = CASES[name]
    assert describe_leads(leads, "ANIL") == expected


def test_every_set_is_read_out_with_a_sign():
    leads = made(0.064, -0.02)
    assert [points(one) for one in leads] == ["+6.4 ± 1.0", "−2.0 ± 1.0"]
    assert leads_in_words(leads) == (
        "MAML's lead in points by distance, the nearest set first: "
        "set 1 at 1: +6.4 ± 1.0; set 2 at 2: −2.0 ± 1.0."
    )
