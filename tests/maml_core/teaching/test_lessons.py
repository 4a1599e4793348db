"""A lesson's file: what is read from it, and the sentence for each way it can be broken."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.studies.lesson_figures import (
    count_figures,
    episode_figures,
    many_episodes_figures,
)
from maml_core.config import EpisodeSpec
from maml_core.data.character_set import CharacterSet
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import make_pool
from maml_core.episodes.sampling import sample_episode
from maml_core.evaluation.comparison import compare
from maml_core.evaluation.results_table import MAIN_EPISODES
from maml_core.evaluation.trajectory import AdaptationTrajectory
from maml_core.learners import checkpoints
from maml_core.teaching.lesson_figures import DATASETS, SEEDS, figures_of
from maml_core.teaching.lessons import SECTIONS, LessonError, load, load_plans, parse

ROOT = Path(__file__).parents[3]
PAGES = {"", "adapt", "episodes"}
LINKED = {path.parent.name for path in (ROOT / "pages").glob("*/page.py")} - {"play"} | {""}
FRONT = '+++\ntitle = "Why?"\nchoices = ["Yes", "No"]\n+++\n'


def body(**changed: str | None) -> str:
    """Return all sections, some with another text or, with None, without the section."""
    texts = {name: f"The {name.lower()}." for name in SECTIONS} | changed
    return "".join(f"\n## {name}\n{text}\n" for name, text in texts.items() if text is not None)


def test_every_part_of_a_lesson_is_read():
    steps = "1. [Open it](adapt?n_way=20&alpha=%C3%97+2).\n\n### Then\n2. [Play](./?mode=20-way)."
    text = (
        FRONT + "Some *words*.\n" + body(Steps=steps, Notes="See [the paper](https://arxiv.org).")
    )
    lesson = parse(text, PAGES)
    assert (lesson.title, lesson.choices) == ("Why?", ("Yes", "No"))
    assert lesson.introduction == "Some *words*."
    assert lesson.prediction == "The prediction."
    assert lesson.steps == steps, "a heading of a lower level is part of the text"
    assert (lesson.outcome, lesson.question) == ("The outcome.", "The question.")
    assert (lesson.answer, lesson.notes[:3]) == ("The answer.", "See")
    assert lesson.links == ("adapt?n_way=20&alpha=%C3%97+2", "./?mode=20-way")


def test_without_choices_and_with_other_line_ends(tmp_path):
    text = '+++\ntitle = "Why?"\n+++\nWords.\n' + body()
    (tmp_path / "a.md").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert load(tmp_path, PAGES) == ([parse(text, PAGES)], [])
    assert parse(text, PAGES).choices == ()


BROKEN = {
    "": "must begin with a title between two lines +++",
    "Words.\n" + FRONT + body(): "must begin with a title",
    '+++\ntitle = "Why?"\n' + body(): "must begin with a title",
    "+++\ntitle = Why?\n+++\n" + body(): "what is between its lines +++ is not TOML",
    "+++\n+++\n" + body(): 'it has no title; write title = "…"',
    "+++\ntitle = 7\n+++\n" + body(): "it has no title",
    '+++\ntitle = " "\n+++\n' + body(): "it has no title",
    '+++\ntitle = "Why?"\nchoice = ["a", "b"]\n+++\n' + body(): "it sets 'choice'",
    '+++\ntitle = "Why?"\nchoices = "a"\n+++\n' + body(): "its choices are 'a'; give two or more",
    '+++\ntitle = "Why?"\nchoices = ["a"]\n+++\n' + body(): "its choices are ['a']",
    '+++\ntitle = "Why?"\nchoices = [1, 2]\n+++\n' + body(): "its choices are [1, 2]",
    '+++\ntitle = "Why?"\nchoices = ["a", "a"]\n+++\n' + body(): "two or more different texts",
    FRONT + body(Answer=None): "there is nothing under “## Answer”; add that line and a text",
    FRONT + body(Outcome=" "): "there is nothing under “## Outcome”",
    FRONT + body(Hint="Look."): "“## Hint” is not a section; the sections are Prediction, Steps,",
    FRONT + body() + "## Steps\nMore.\n": "the section “Steps” is there twice",
    FRONT + body(Steps="[Open](adpt?n_way=5)"): "it links to 'adpt?n_way=5', but there is no such",
    FRONT + body(Notes="[Open](/adapt)"): "begin the link with one of adapt, episodes, or with ./",
}


@pytest.mark.parametrize(("text", "words"), BROKEN.items())
def test_a_broken_lesson_is_a_sentence_that_says_what_to_do(text, words):
    with pytest.raises(LessonError) as caught:
        parse(text, PAGES)
    assert words in str(caught.value)
    assert str(caught.value).endswith(".")


def test_broken_files_are_named_and_the_others_load_in_the_order_of_their_names(tmp_path):
    second, first = (
        FRONT.replace("Why?", "Second") + body(),
        FRONT.replace("Why?", "First") + body(),
    )
    (tmp_path / "2.md").write_text(second)
    (tmp_path / "1.md").write_text(first)
    (tmp_path / "3.md").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "4.md").write_text(first)
    (tmp_path / "5.md").write_text("")
    (tmp_path / "notes.txt").write_text("no lesson")
    found, broken = load(tmp_path, PAGES)
    assert found == [parse(first, PAGES), parse(second, PAGES)]
    assert [sentence.split(" cannot be shown: ")[0] for sentence in broken] == [
        f"The lesson {name}.md" for name in "345"
    ]
    assert "it is not UTF-8 text; save it as UTF-8." in broken[0]
    assert "another lesson is already called “First”" in broken[1]
    assert load(tmp_path / "nowhere", PAGES) == ([], [])


def test_the_shipped_lessons_are_whole():
    found, broken = load(ROOT / "assets" / "lessons", LINKED)
    assert broken == []
    assert [lesson.title for lesson in found] == [
        "What is an episode?",
        "Why two loops?",
        "MAML against pretraining: would a hundred steps save it?",
        "Why the query set updates θ",
        "What batch statistics give away",
        "What lies under the landscape",
        "Where is MAML ahead for good?",
    ]
    for lesson in found:
        assert len(lesson.choices) >= 3
        assert lesson.links, lesson.title


FIGURES = {"seed": "7", "a long name": "12 %"}
QUOTING = (
    FRONT
    + body(Steps="[Open](adapt?seed={{seed}})", Outcome="It is {{a long\nname}}.")
    + "\n## Outcome: glyphs\nIt reverses: {{a long name}}.\n"
)


def test_figures_are_quoted_by_name_and_a_section_may_differ_for_one_data_set():
    omniglot, glyphs = (parse(QUOTING, PAGES, name, FIGURES) for name in ("omniglot", "glyphs"))
    assert omniglot.links == ("adapt?seed=7",)
    assert omniglot.outcome == "It is 12\N{NO-BREAK SPACE}%.", "a figure stays on a line"
    assert glyphs.outcome == "It reverses: 12\N{NO-BREAK SPACE}%."
    assert replace(glyphs, outcome=omniglot.outcome) == omniglot


def test_a_figure_that_nobody_measured_is_a_sentence():
    with pytest.raises(LessonError, match=r"it quotes \{\{a long\nname\}\}, which is not among"):
        parse(QUOTING, PAGES, "omniglot", {"seed": "7"})


def test_both_data_sets_have_every_figure_that_a_lesson_or_a_plan_quotes():
    assert list(figures_of("omniglot")) == list(figures_of("glyphs"))
    folder = ROOT / "assets" / "lessons"
    for dataset in DATASETS:
        assert load(folder, LINKED, dataset)[1] == []
        plans, broken = load_plans(folder / "plans", LINKED, dataset)
        assert broken == []
        assert [plan.title for plan in plans] == [
            "20 minutes",
            "45 minutes",
            "45 minutes with phones",
        ]


def test_omniglots_figures_of_single_episodes_are_so(real_omniglot):
    check_single_episodes("omniglot", real_omniglot)


@pytest.mark.slow
def test_omniglots_figures_of_many_episodes_are_those_of_the_table_of_results(glyphs: CharacterSet):
    told = many_episodes_figures("omniglot", make_pool(glyphs, range(20)))  # it measures nothing
    assert told["many"] == f"{MAIN_EPISODES:,}"
    assert told.items() <= figures_of("omniglot").items()


def test_the_glyphs_figures_of_single_episodes_are_so(glyphs: CharacterSet):
    check_single_episodes("glyphs", glyphs)


@pytest.mark.slow
def test_the_glyphs_figures_of_few_episodes_are_so(glyphs: CharacterSet):
    pool = make_pool(glyphs, split_classes(glyphs, "alphabets", "test"))
    few = figures_of("glyphs")
    for method in ("maml", "random"):
        learner = checkpoints.shipped(method)
        episodes = (sample_episode(pool, EpisodeSpec(5, 1, 10), 0, i) for i in range(40))
        losses = [compare({method: learner}, one, 10)[0].support_loss[10] for one in episodes]
        assert few[f"few 5-way {method} step 10 support loss"] == f"{np.mean(losses):.3f}"


def check_single_episodes(name: str, data: CharacterSet) -> None:
    """Compare what the study wrote for a data set with what it measures now."""
    pool = make_pool(data, split_classes(data, "alphabets", "test"))
    measured = {**episode_figures(pool, SEEDS[name]), **count_figures(pool)}
    assert measured.items() <= figures_of(name).items()


def test_what_the_lessons_say_of_their_episodes_is_so(real_omniglot):
    """The texts name what the shipped weights do in the linked episodes: seed 3 of Omniglot."""
    pool = make_pool(real_omniglot, split_classes(real_omniglot, "alphabets", "test"))

    def seen(n_way: int, *methods: str) -> list[AdaptationTrajectory]:
        episode = sample_episode(pool, EpisodeSpec(n_way, 1, 10), 3)
        return compare({name: checkpoints.shipped(name) for name in methods}, episode, 10)

    found, _ = load(ROOT / "assets" / "lessons", LINKED)
    _, loops, against, query, _, landscape, _ = (" ".join(one.outcome.split()) for one in found)
    maml, pretrained, random = seen(5, "maml", "pretrained", "random")
    first, last = (
        [f"{one.accuracy[step]:.0%}".replace("%", " %") for one in (maml, pretrained, random)]
        for step in (1, 10)
    )
    assert f"takes MAML to {first[0]} of this episode's queries" in loops
    assert f"random initialisation to {first[2]}; after ten it is {last[0]} and {last[2]}" in loops
    assert f"{first[1]} after one step, in this episode. At 5,000 it is {first[0]}" in loops
    assert f"after one step {first[0]} against {first[1]}" in landscape
    fell = [one.support_loss[0] - one.support_loss[1] for one in (maml, pretrained)]
    assert (
        f"lowers it by {fell[0]:.2f} nats for MAML and by {fell[1]:.2f} for the pretrained"
        in landscape
    )
    assert maml.support_loss[10] > random.support_loss[10]
    assert f"{random.support_loss[10]:.3f} after ten steps" in query
    assert f"MAML has {maml.support_loss[10]:.3f}" in query
    assert f"query loss is {random.query_loss[10]:.2f}" in query
    assert f"and {last[2]} are right; MAML's is {maml.query_loss[10]:.2f}, and {last[0]}" in query
    right = [(200 * one.accuracy).round().astype(int) for one in seen(20, "maml", "pretrained")]
    assert f"{right[0][1]} right against {right[1][1]} after the first step" in against
    assert f"{right[0][2]} against {right[1][2]} after the second" in against
    assert f"{right[0][10]} against {right[1][10]} after the tenth" in against
