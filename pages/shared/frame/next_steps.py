"""Where to go next: a page that leads nowhere would be the last one."""

from __future__ import annotations

from typing import NamedTuple

import streamlit as st

from pages.shared.frame.navigation import PAGES_BY_NAME


class NextStep(NamedTuple):
    """A page to go on to.

    Attributes:
        page: Its name.
        words: What it is for, as seen from here.
        lesson: The title of one, where the page is Lessons.
    """

    page: str
    words: str
    lesson: str = ""


EPISODE = NextStep("lessons", "A lesson on it: what is an episode?", "What is an episode?")
LOOPS = NextStep("lessons", "A lesson on it: why two loops?", "Why two loops?")
PRETRAINING = NextStep(
    "lessons",
    "A lesson on it: would more steps save pretraining?",
    "MAML against pretraining: would a hundred steps save it?",
)
LANDSCAPE = NextStep(
    "lessons", "A lesson on it: what lies under the landscape", "What lies under the landscape"
)
SINUSOID = NextStep("sinusoid", "See the clearest contrast: waves from a few points")
ADAPT = NextStep("adapt", "Watch the methods learn this episode, step by step")
ANY_EPISODE = NextStep("adapt", "Watch the methods learn an episode, step by step")
INSIDE = NextStep("inside", "Look inside MAML: how such a start is learned")
DRAW = NextStep("draw", "Draw your own characters, and let both learn them")
EVALUATE = NextStep("evaluate", "Was that luck? Measure it on hundreds of episodes")
TRAIN = NextStep("train", "Meta-train a network yourself")
PLAY = NextStep("play", "Play: you against the machines")
STEPS = {
    "play": (
        ADAPT,
        SINUSOID,
        NextStep("classroom", "With a whole class: everybody answers on a phone"),
        EPISODE,
    ),
    "classroom": (PLAY, ANY_EPISODE, DRAW, EPISODE),
    "lessons": (PLAY, SINUSOID, ANY_EPISODE),
    "sinusoid": (
        NextStep("episodes", "From waves to characters: what is an episode?"),
        NextStep("toy", "Even simpler: tasks that are parabolas, with θ in your hand"),
        LOOPS,
    ),
    "episodes": (ADAPT, PLAY, EPISODE),
    "adapt": (
        NextStep("landscape", "Walk on the loss landscape of this episode"),
        INSIDE,
        DRAW,
        PRETRAINING,
    ),
    "draw": (PLAY, NextStep("landscape", "Walk on the loss landscape of an episode"), INSIDE),
    "landscape": (INSIDE, EVALUATE, LANDSCAPE),
    "inside": (
        NextStep("toy", "The same with one parameter: drag θ yourself"),
        TRAIN,
        LOOPS,
    ),
    "toy": (NextStep("inside", "The same with a real network: inside MAML"), SINUSOID, LOOPS),
    "evaluate": (NextStep("adapt", "One of these episodes, step by step"), TRAIN, PRETRAINING),
    "train": (EVALUATE, ANY_EPISODE, INSIDE),
}


def draw_next_steps(page: str) -> None:
    """Draw links to the pages that follow a page; the episode goes along.

    Args:
        page: The name of the page.
    """
    with st.container(key="next_steps", border=True, gap="small"):
        st.markdown("**Where to go next**")
        for step in STEPS[page]:
            target = PAGES_BY_NAME[step.page]
            st.page_link(
                target.path,
                label=step.words,
                icon=f":material/{target.icon}:",
                query_params={"lesson": step.lesson} if step.lesson else None,
            )
