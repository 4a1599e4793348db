"""Play: a person against MAML and the pretrained baseline, on the same examples and queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st

from maml_core.config import N_QUESTIONS, SettingError
from maml_core.data.character_set import CharacterSet
from maml_core.figures.style import STYLES, inner_lr_in_words
from maml_core.teaching.play_round import (
    INNER_STEPS,
    MODES,
    SECONDS_PER_QUESTION,
    PlayQuestion,
    format_result,
    right_answers,
    score,
)
from maml_core.teaching.sentences.play import describe_round
from pages.play.board import NEXT_ROUND, draw_board, picked_labels
from pages.play.round_state import (
    Machines,
    Round,
    choose_episode_of,
    compute_answers,
    count_steps,
    go_to_next_seed,
    known_answers,
    picks_by_round,
)
from pages.play.texts import WHY_CLASS, WHY_FAIR, WHY_HARD
from pages.shared import cached
from pages.shared.charts.typicality import show_typicality
from pages.shared.classroom.subjects import PlaySubject
from pages.shared.classroom.visitor import own_hand_in
from pages.shared.frame.finding import show_finding
from pages.shared.frame.glossary import PLAIN, introduce
from pages.shared.frame.page_header import explanation, page_with_characters
from pages.shared.learners.picker import in_place_of_maml
from pages.shared.link_settings import PARTS, one_of
from pages.shared.messages import message_of, show_error_text
from pages.shared.widgets import segmented_choice

BOARD = "game"
MACHINE_STEPS = {"1 step": 1, f"{INNER_STEPS} steps": INNER_STEPS}
LINK_TO_ADAPT = "link_to_adapt"
# What makes it another script than the last one stands in it: the same one twice would run once.
CLICK = """
<script>/* {once} */
(function click(tries) {{
  const link = document.querySelector(".st-key-{key} a");
  // Before the run has ended the browser holds the controls' former values.
  const ended = document.querySelector("[data-test-script-state=notRunning]");
  if (link && (ended || !tries)) link.click();
  else if (tries) setTimeout(click, 50, tries - 1);
}})(100);
</script>
"""


def main() -> None:
    """Draw the page."""
    checks = {
        "mode": one_of(*MODES),
        "machine_steps": one_of(*MACHINE_STEPS),
        "timed": one_of("true", "false"),
    }
    settings, data = page_with_characters("You against the machines", checks)
    st.markdown(
        "Somebody has drawn one of these characters again. **Which one?** Two networks answer too, "
        "after seeing the same examples as you."
    )
    introduce(
        PLAIN,
        *("MAML", "pretrained", "N-way K-shot", "support set, query set", "chance"),
        *("inner loop, inner step", "α", "normalised together, each alone"),
    )
    mode, inner_steps, timed, method = _controls()
    played = Round(data.name, settings.part, mode, settings.seed, timed)
    try:
        questions = cached.questions(*played.source)
    except ValueError as error:
        show_error_text(_why_not(error, played))
        return
    available = cached.available_methods()
    methods = tuple(name for name in (method, cached.BASELINE) if name in available)
    machines = Machines(methods, inner_steps)
    # The person looks at the first question while the machines adapt to all ten.
    answers = known_answers(played, machines)
    _draw_round(data, played, questions, answers, machines, tuple(_picks_of(played, questions)))
    if question := st.session_state.pop("question_to_learn", None):
        _go_to_adapt(played, question)
    _explain(played, machines)
    if answers is None:
        compute_answers(played, machines)
        st.rerun()


def _why_not(error: ValueError, played: Round) -> str:
    """Say why a round cannot be played, and which can."""
    if not isinstance(error, SettingError):
        return message_of(error)
    spec, count = MODES[played.mode], error.facts.get("count", "fewer")
    group = "the largest alphabet has" if spec.within_alphabet else "here there are"
    possible = [f"“{mode}”" for mode in MODES if _can_be_played(played._replace(mode=mode))]
    remedy = f"{' or '.join(possible)} above, or " if possible else ""
    return (
        f"“{played.mode}” takes {spec.n_way} characters, and {group} {count}. "
        f"Choose {remedy}other characters in the sidebar."
    )


def _can_be_played(played: Round) -> bool:
    try:
        cached.questions(*played.source)
    except ValueError:
        return False
    return True


def _controls() -> tuple[str, int, bool, str]:
    """Draw the page's controls; return mode, machines' steps, whether timed, and MAML's name."""
    with st.container(horizontal=True, vertical_alignment="center"):
        mode = segmented_choice(
            "How many characters",
            MODES,
            "mode",
            persist_state="session",
            label_visibility="collapsed",
        )
        st.markdown("The machines take", width="content")
        steps = segmented_choice(
            "How many inner steps the machines take",
            MACHINE_STEPS,
            "machine_steps",
            default=list(MACHINE_STEPS)[-1],
            persist_state="session",
            label_visibility="collapsed",
        )
        timed = st.toggle(
            f"{SECONDS_PER_QUESTION} seconds a question",
            key="timed",
            bind="query-params",
            persist_state="session",
            help="A question that isn't answered in time counts as missed. The clock starts with "
            "Start, and waits while you look at an answer.",
        )
        method = in_place_of_maml()
    return mode, MACHINE_STEPS[steps], timed, method


def _picks_of(played: Round, questions: Sequence[PlayQuestion]) -> list[int | None]:
    """Return what the person has chosen in a round by now."""
    # The board's value may be old: from before the page was left and opened again.
    reported = picked_labels(BOARD, questions, str(played), timed=played.timed)
    picks = max(picks_by_round().get(played, []), reported, key=len)
    picks_by_round()[played] = picks
    return picks


@st.fragment
def _draw_round(
    data: CharacterSet,
    played: Round,
    questions: Sequence[PlayQuestion],
    answers: Mapping[str, Sequence[int]] | None,
    machines: Machines,
    picks_before: Sequence[int | None],
) -> None:
    """Draw the board and, at the end of the round, its result.

    `picks_before` is what had been chosen when the page was opened. It stays the same while the
    person plays, so that the pictures are not sent again with each choice.
    """
    picks = _picks_of(played, questions)
    asked = draw_board(
        data,
        questions,
        answers or dict.fromkeys(machines.methods),
        picks=picks_before,
        seconds=SECONDS_PER_QUESTION if played.timed else None,
        revision=str(played),
        on_again=go_to_next_seed,
        on_learn=partial(choose_episode_of, played),
        hand_in=own_hand_in("play", PlaySubject(*played.source)),
        key=BOARD,
    )
    if asked:
        st.rerun()  # the sidebar too: it names another episode
    if len(picks) == N_QUESTIONS and answers is not None:
        _draw_result(played, questions, answers, picks, machines.inner_steps)


def _draw_result(
    played: Round,
    questions: Sequence[PlayQuestion],
    answers: Mapping[str, Sequence[int]],
    picks: Sequence[int | None],
    inner_steps: int,
) -> None:
    harder = list(MODES)[list(MODES).index(played.mode) + 1 :]
    show_finding(
        describe_round(
            right_answers(questions, picks),
            {
                STYLES[name].in_sentences: right_answers(questions, labels)
                for name, labels in answers.items()
            },
            missed=picks.count(None),
            harder=harder[0] if harder else "",
        ),
        "play",
    )
    _show_typicality(played, questions, answers, inner_steps)
    scores = {"me": score(questions, picks)}
    scores |= {STYLES[name].label: score(questions, labels) for name, labels in answers.items()}
    st.caption("Your result, to copy and compare with others who opened the same link:")
    line = format_result(played.title(inner_steps), scores, {"me": picks.count(None)})
    st.code(line, language=None, wrap_lines=True)


def _go_to_adapt(played: Round, number: int) -> None:
    """Open the episode of a question, which the sidebar now names, on Adapt.

    The session is kept only by a click on one of Streamlit's own links; a script makes it.
    """
    with st.container(key=LINK_TO_ADAPT):
        st.page_link("pages/adapt/page.py", label="Adapt")
    st.html(
        f"<style>.st-key-{LINK_TO_ADAPT} {{ display: none; }}</style>"
        + CLICK.format(key=LINK_TO_ADAPT, once=f"{played}, {number}"),
        unsafe_allow_javascript=True,
    )


def _show_typicality(
    played: Round,
    questions: Sequence[PlayQuestion],
    answers: Mapping[str, Sequence[int]],
    inner_steps: int,
) -> None:
    """Say how typical the machines' scores are, of the two that were measured in many rounds."""
    pair = ("maml", cached.BASELINE)
    if set(answers) == set(pair):
        first, second = (score(questions, answers[name]) / len(questions) for name in pair)
        spec = MODES[played.mode]
        show_typicality(played.dataset, played.part, "round", spec, (first, second), inner_steps)


def _explain(played: Round, machines: Machines) -> None:
    """Say what is played."""
    n_way = MODES[played.mode].n_way
    inner_lrs = ", ".join(
        inner_lr_in_words(method, cached.learner(method).inner_lr(n_way))
        for method in machines.methods
    )
    steps = count_steps(machines.inner_steps)
    st.caption(
        f"This is **{n_way}-way 1-shot**: {n_way} characters to tell apart, one example of each, "
        f"{PARTS[played.part]}. The networks take {steps} ({inner_lrs}) and see each query alone."
    )
    with st.container(horizontal=True):
        explanation("Is that fair?", WHY_FAIR.format(steps=steps))
        explanation("Why is one alphabet harder?", WHY_HARD)
        explanation("With a whole class?", WHY_CLASS.format(again=NEXT_ROUND))


main()
