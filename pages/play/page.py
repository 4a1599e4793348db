"""Play: a person against MAML and the pretrained baseline, on the same examples and queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import streamlit as st

from maml_core.data.character_set import CharacterSet
from maml_core.figures.style import STYLES
from maml_core.teaching import play_round
from maml_core.teaching.play_round import INNER_STEPS, MODES, QUESTIONS, SECONDS, Question
from pages.play.board import NEXT_ROUND, board, picked
from pages.shared import cached
from pages.shared.learners.picker import in_place_of_maml
from pages.shared.page_header import head, why
from pages.shared.settings import MAX_SEED, PARTS, dataset_in_words, one_of
from pages.shared.widgets import choice

BOARD = "game"
WHY_FAIR = """
Both networks are given what you are given: one labelled example of each character, then one query
alone. They start from weights that know nothing of these characters, take {steps} steps of
gradient descent on the examples, and answer; for the next question they start anew. MAML's start
was trained so that such steps lead far, the pretrained one's by telling hundreds of other
characters apart.
"""
WHY_HARD = """
Characters of different alphabets mostly differ at a glance; those of one alphabet share strokes and
style. The third mode is like Omniglot's own challenge: 20 characters of one alphabet, the examples
by one drawer and the queries by another. In that challenge people err in 4.5 % of the queries (Lake
et al. 2015); what is drawn by chance here is harder. How often these networks err in either, the
Evaluate page measures.
"""
WHY_CLASS = """
The address carries the mode and the seed: everybody who opens it (*Copy link* in the sidebar) gets
the same ten questions, on any machine that has the same characters. At the end there is a line to
copy and compare. “{again}” goes to the following seed, so a class stays together.
"""


class Round(NamedTuple):
    """Ten questions, and whether the person has but a few seconds for each."""

    dataset: str
    part: str
    mode: str
    seed: int
    timed: bool

    @property
    def untimed(self) -> tuple[str, str, str, int]:
        """What the questions and the machines' answers depend on."""
        return self.dataset, self.part, self.mode, self.seed

    @property
    def title(self) -> str:
        """What tells two results apart; Omniglot's unseen characters go without saying."""
        odd = [dataset_in_words(self.dataset)] if self.dataset != "omniglot" else []
        odd += [PARTS[self.part]] if self.part != "test" else []
        odd += [f"{SECONDS} s a question"] if self.timed else []
        return ", ".join([f"Seed {self.seed}", self.mode, *odd])


def main() -> None:
    """Draw the page."""
    checks = {"mode": one_of(*MODES), "timed": one_of("true", "false")}
    settings, data = head("You against the machines", checks)
    st.markdown(
        "Somebody has drawn one of these characters again. **Which one?** Two networks answer too, "
        "after seeing the same examples as you."
    )
    mode, timed, method = _controls()
    this = Round(data.name, settings.part, mode, settings.seed, timed)
    try:
        asked = cached.questions(*this.untimed)
    except ValueError as error:
        st.error(f"{error}", icon=":material/error:")
        return
    available = cached.available_methods()
    methods = tuple(one for one in (method, cached.BASELINE) if one in available)
    # The person looks at the first question while the machines adapt to all ten.
    known: set[tuple] = st.session_state.setdefault("rounds_answered", set())
    answers = dict.fromkeys(methods)
    if (this.untimed, methods) in known:
        answers = cached.machine_answers(*this.untimed, methods)
    _round(data, this, asked, answers, tuple(_played().get(this, ())))
    _explain(this, methods)
    if (this.untimed, methods) not in known:
        cached.machine_answers(*this.untimed, methods)
        known.add((this.untimed, methods))
        st.rerun()


def _controls() -> tuple[str, bool, str]:
    """Draw the page's own controls; return the mode, whether it is timed, and MAML's name."""
    with st.container(horizontal=True, vertical_alignment="center"):
        mode = choice(
            "How many characters",
            MODES,
            "mode",
            persist_state="session",
            label_visibility="collapsed",
        )
        timed = st.toggle(
            f"{SECONDS} seconds a question",
            key="timed",
            bind="query-params",
            persist_state="session",
            help="A question that is not answered in time counts as missed. The time begins with "
            "Start, and waits while you look at an answer.",
        )
        method = in_place_of_maml()
    return mode, timed, method


def _played() -> dict[Round, list[int | None]]:
    """Return what the person has chosen in each round of this session; None: nothing in time."""
    found: dict[Round, list[int | None]] = st.session_state.setdefault("rounds_played", {})
    return found


@st.fragment
def _round(
    data: CharacterSet,
    this: Round,
    asked: Sequence[Question],
    answers: Mapping[str, Sequence[int] | None],
    before: Sequence[int | None],
) -> None:
    """Draw the board and, at the end of the round, its result.

    `before` is what had been chosen when the page was opened. It stays the same while the person
    plays, so that the pictures are not sent again with each choice.
    """
    # What the board says may be old: from before the page was left and opened again.
    picks = max(_played().get(this, []), picked(BOARD, asked, str(this), timed=this.timed), key=len)
    _played()[this] = picks
    again = board(
        data,
        asked,
        answers,
        picks=before,
        seconds=SECONDS if this.timed else None,
        revision=str(this),
        on_again=_next_seed,
        key=BOARD,
    )
    if again:
        st.rerun()  # the sidebar too: the seed is another
    if len(picks) == QUESTIONS and all(answers.values()):
        scores = {"me": play_round.score(asked, picks)}
        scores |= {
            STYLES[method].label: play_round.score(asked, a) for method, a in answers.items()
        }
        st.caption("Your result, to copy and compare with those who opened the same link:")
        missed = {"me": picks.count(None)}
        st.code(play_round.result_line(this.title, scores, missed), language=None, wrap_lines=True)


def _next_seed() -> None:
    st.session_state["seed"] = (st.session_state["seed"] + 1) % (MAX_SEED + 1)


def _explain(this: Round, methods: Sequence[str]) -> None:
    """Say what is played, and what of the sidebar counts here."""
    n_way = MODES[this.mode].n_way
    rates = [
        f"{STYLES[method].label} α = {cached.learner(method).inner_lr(n_way):.3g}"
        for method in methods
    ]
    st.caption(
        f"This is **{n_way}-way 1-shot**: {n_way} characters to tell apart, one example of each, "
        f"{PARTS[this.part]}. Here the buttons above say how many; of the sidebar, Characters, "
        f"Which characters and Seed count. The networks take {INNER_STEPS} inner steps "
        f"({', '.join(rates)}) and see each query alone."
    )
    with st.container(horizontal=True):
        why("Is that fair?", WHY_FAIR.format(steps=INNER_STEPS))
        why("Why is one alphabet harder?", WHY_HARD)
        why("With a whole class?", WHY_CLASS.format(again=NEXT_ROUND))


main()
