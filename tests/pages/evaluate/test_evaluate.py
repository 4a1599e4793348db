"""The Evaluate page against the engine."""

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pandas.api.types import is_numeric_dtype
from scipy import stats
from streamlit.dataframe_util import convert_arrow_bytes_to_pandas_df
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Dataframe

from maml_core.config import OFFICIAL_RUNS, AdaptConfig, EpisodeSpec, EvaluationConfig
from maml_core.data.registry import load
from maml_core.data.splits import split_classes
from maml_core.episodes import sampling
from maml_core.episodes.official_runs import OneShotRun
from maml_core.episodes.pool import make_pool
from maml_core.evaluation import results_table
from maml_core.evaluation.accuracy import episode_accuracy, evaluate, evaluate_nearest
from maml_core.evaluation.confidence_intervals import Estimate, percent
from maml_core.evaluation.published import PUBLISHED, PUBLISHED_RUNS
from maml_core.evaluation.records import RESULTS_FILE, load_records
from maml_core.figures.style import STYLES
from maml_core.learners import checkpoints
from maml_core.learners.learner import Learner, random_learner
from maml_core.methods.protonet import prototype_head
from maml_core.networks.conv4 import Conv4
from maml_core.networks.functional import initial_params
from pages.shared.charts import many_episodes
from pages.shared.link_settings import DEFAULTS
from pages.shared.widgets import plain_text
from tests.support.opened_page import chart, numbers, open_page, texts

EVALUATE = "pages/evaluate/page.py"
PAPER = "Unseen characters (paper)"
SHORT = {"n_way": "2", "q_query": "1", "test_steps": "1", "episodes": "100"}


@pytest.fixture
def two_splits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Narrow networks in place of the shipped weights; the splits have MAML alone in common."""
    here = [
        *(("maml", "alphabets"), ("pretrained", "alphabets"), ("anil", "alphabets")),
        *(("maml", "paper"), ("reptile", "paper")),
    ]

    def shipped(method: str, split: str = "alphabets") -> Learner:
        if method == "random":
            return random_learner()
        model, place = Conv4(channels=4), here.index((method, split))
        return Learner(method, model, initial_params(model, place), {5: 0.1 + place / 10})

    monkeypatch.setattr(checkpoints, "is_shipped", lambda *one: one in here)
    monkeypatch.setattr(checkpoints, "shipped", shipped)


def measured(
    method: str,
    split: str = "alphabets",
    spec: EpisodeSpec | None = None,
    together: bool = True,
    rotation_tta: bool = False,
    ink_crops: bool = False,
    count: int = 100,
) -> Estimate:
    """What the Evaluate page should show of 100 episodes and one step, computed without it."""
    data = load("glyphs")
    pool = make_pool(data, split_classes(data, split, "test"), ink_crops=ink_crops)
    *_, last = evaluate(
        checkpoints.shipped(method, split),
        pool,
        spec or EpisodeSpec(2, 1, 1),
        EvaluationConfig(
            inner_steps=1,
            episodes=count,
            seed=DEFAULTS["seed"],
            transductive=together,
            rotation_tta=rotation_tta,
        ),
    )
    return last


def table(at: AppTest, number: int = 0) -> list[dict[str, str]]:
    """Return the rows of a table as they are shown: 0 is of the accuracies, 1 of differences."""
    shown = convert_arrow_bytes_to_pandas_df(
        tables(at)[number].proto.arrow_data.styler.display_values
    )
    return list(shown.to_dict("records"))


def tables(at: AppTest) -> list[Dataframe]:
    """Return the page's tables, but for those of recorded results."""
    *own, published, runs = at.dataframe
    assert {"Split", "Source"} <= set(published.value.columns)
    assert {"Error in %", "Source"} <= set(runs.value.columns)
    return own


def row(method: str, found: Estimate) -> dict[str, str]:
    cells = zip(found.accuracy, found.ci95, strict=True)
    return {"Method": STYLES[method].short_label} | {
        f"step {step}": f"{100 * mean:.1f} ± {100 * half:.1f}".removesuffix(" ± nan")
        for step, (mean, half) in enumerate(cells)
    }


@pytest.mark.parametrize(
    ("last", "sentence"),
    [(b'{"method": "maml", "acc', None), (b"[1,2]", "Line 2 of {} is JSON but not an object")],
)
def test_half_a_line_of_results_is_left_out_and_any_other_is_named(
    last: bytes, sentence: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "results.jsonl"
    path.write_bytes(RESULTS_FILE.read_bytes().partition(b"\n")[0] + b"\n" + last)
    monkeypatch.setattr(results_table, "load_records", lambda _, **how: load_records(path, **how))
    at = open_page(EVALUATE)
    assert not at.exception
    if sentence:
        assert [plain_text(sentence.format(path)) in e.value for e in at.error] == [True, True]
        assert not at.dataframe
    else:
        published, _ = at.dataframe
        # MAML's, and that of its first episodes alone.
        assert len(published.value) == len(PUBLISHED) + 2
        assert not at.error


def test_evaluate_begins_with_the_controls_and_the_published_numbers() -> None:
    at = open_page(EVALUATE)
    state = at.session_state
    assert (state.split, state.queries) == ("Unseen alphabets", "Together")
    assert state.who == ["MAML", "Pretrained"]
    assert (state.test_steps, state.episodes) == (5, 600)
    assert not any((state.same_drawers, state.official, state.four_turns, state.close_ups))
    assert at.button(key="evaluate").label == "Evaluate on 600 episodes"
    published, runs = at.dataframe
    assert {name for name, _, _ in PUBLISHED_RUNS} <= set(runs.value["Method"])
    assert list(published.value["Method"])[: len(PUBLISHED)] == [one.method for one in PUBLISHED]
    assert not at.get("plotly_chart")
    assert not at.warning[1:], "only that these are not Omniglot's characters"


def test_evaluate_shows_what_the_engine_measures_in_either_way(two_splits: None) -> None:
    at = open_page(EVALUATE, **SHORT)
    shown = []
    for words, together in (("Together", True), ("Each alone", False)):
        at.segmented_control(key="queries").set_value(words).run()
        assert not tables(at), "no numbers of another way to normalise"
        at.button(key="evaluate").click().run()
        assert not at.exception
        found = {m: measured(m, together=together) for m in ("maml", "pretrained")}
        shown.append(table(at))
        assert shown[-1] == [row(method, one) for method, one in found.items()]
        for method, one in found.items():
            line = numbers(chart(at, 0), STYLES[method].label)
            assert line == pytest.approx([100 * mean for mean in one.accuracy])
        assert (
            "Mean over 100 episodes of characters never seen in training, split “alphabets”, "
            f"queries normalised {words.lower()};"
        ) in texts(at, "caption")
    assert shown[0] != shown[1]
    at.segmented_control(key="queries").set_value("Together").run()
    assert table(at) == shown[0], "what was measured before is kept"


def test_rotation_tta_is_measured_and_said(two_splits: None) -> None:
    at = open_page(EVALUATE, **SHORT, who=["MAML"])
    at.button(key="evaluate").click().run()
    upright = table(at)
    assert "rotation TTA" not in texts(at, "caption")
    at.toggle(key="four_turns").set_value(True).run()
    assert not tables(at), "no numbers of upright pictures alone"
    at.button(key="evaluate").click().run()
    assert table(at) == [row("maml", measured("maml", rotation_tta=True))] != upright
    assert "queries normalised together, rotation TTA;" in texts(at, "caption")


def test_the_official_runs_are_measured_in_a_shape_of_their_own_and_said(
    two_splits: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = [OneShotRun("Kivus", tuple(range(1, 21)), 3, drawer) for drawer in (4, 5)]
    monkeypatch.setattr(sampling, "RUNS", runs)
    at = open_page(EVALUATE, **SHORT, queries="Each alone", official="true")
    assert at.select_slider(key="episodes").disabled
    assert at.toggle(key="same_drawers").disabled
    assert "**20-way 1-shot**, 1 query per class" in texts(at, "markdown")
    assert "different drawers: Omniglot's official runs." in texts(at, "markdown")
    assert "To compare with people" not in texts(at, "markdown")
    assert at.button(key="evaluate").label == "Evaluate on 2 runs"
    at.button(key="evaluate").click().run()
    assert not at.exception
    expected, other = (
        measured(method, spec=OFFICIAL_RUNS, together=False, count=2)
        for method in ("maml", "pretrained")
    )
    assert table(at) == [row("maml", expected), row("pretrained", other)]
    why = "not independent episodes, so there is no paired interval of them"
    assert "what is told apart here is told by the methods' own" in texts(at, "markdown")
    assert f"{why}." in texts(at, "caption"), "in place of a table of differences"
    assert len(tables(at)) == 1
    assert "Mean over 2 episodes" in texts(at, "caption")
    assert "queries normalised each alone, official runs;" in texts(at, "caption")
    at.segmented_control(key="queries").set_value("Together").run()
    assert "To compare with people, normalise queries *each alone*" in texts(at, "markdown")
    at.toggle(key="official").set_value(False).run()
    assert not tables(at), "no numbers of the runs beside drawn episodes"
    assert at.session_state.episodes == int(SHORT["episodes"]), "nothing was lost"
    assert "as set in the sidebar" in texts(at, "markdown")


def test_where_the_official_runs_are_not_a_sentence_says_where_they_are() -> None:
    at = open_page(EVALUATE, official="true")
    assert "official runs are on characters of Omniglot's evaluation part" in texts(at, "error")
    assert "evaluate" not in {button.key for button in at.button}
    at.toggle(key="official").set_value(False).run()
    assert not at.error
    assert "evaluate" in {button.key for button in at.button}


def test_ink_crops_are_measured_and_said(two_splits: None) -> None:
    at = open_page(EVALUATE, **SHORT, who=["MAML"])
    at.button(key="evaluate").click().run()
    plain = table(at)
    at.toggle(key="close_ups").set_value(True).run()
    assert not tables(at), "no numbers without them"
    at.button(key="evaluate").click().run()
    assert table(at) == [row("maml", measured("maml", ink_crops=True))] != plain
    assert "queries normalised together, ink crops;" in texts(at, "caption")


def test_the_chosen_methods_also_answer_as_an_ensemble(two_splits: None) -> None:
    at = open_page(EVALUATE, **SHORT, ensemble="true", who=["MAML", "Pretrained"])
    at.button(key="evaluate").click().run()
    assert not at.exception
    *_, expected = evaluate(
        [checkpoints.shipped(method, "alphabets") for method in ("maml", "pretrained")],
        make_pool(load("glyphs"), split_classes(load("glyphs"), "alphabets", "test")),
        EpisodeSpec(2, 1, 1),
        EvaluationConfig(inner_steps=1, episodes=100, seed=DEFAULTS["seed"]),
    )
    assert table(at)[2:] == [row("ensemble", expected)]
    at.pills(key="who").set_value(["MAML"]).run()
    at.button(key="evaluate").click().run()
    assert [one["Method"] for one in table(at)] == ["MAML"], "one alone is no ensemble"


def test_who_votes_is_said_by_name_and_one_alone_is_offered_no_ensemble(two_splits: None) -> None:
    at = open_page(EVALUATE, **SHORT, ensemble="true", who=["MAML", "ANIL", "1-NN on pixels"])
    assert "MAML and ANIL vote; 1-NN on pixels has no features" in texts(at, "caption")
    at.button(key="evaluate").click().run()
    assert "together, ensemble of MAML and ANIL;" in texts(at, "caption")
    at.pills(key="who").set_value(["MAML", "1-NN on pixels"]).run()
    assert at.toggle(key="ensemble").disabled
    assert "An ensemble takes two methods that vote, and MAML is one;" in texts(at, "caption")
    at.button(key="evaluate").click().run()
    assert not at.exception
    assert [one["Method"] for one in table(at)] == ["MAML", "1-NN on pixels"]
    assert "ensemble of" not in texts(at, "caption")


def paired(first: str, second: str) -> list[str]:
    """What the table of differences should say of two methods, by scipy."""
    pools = make_pool(load("glyphs"), split_classes(load("glyphs"), "alphabets", "test"))
    config = EvaluationConfig(inner_steps=1, episodes=1, seed=DEFAULTS["seed"])
    scores = []
    for method in (first, second):
        learner = checkpoints.shipped(method, "alphabets")
        alpha = AdaptConfig(learner.inner_lr(2), config.inner_steps)
        scores.append(
            [
                episode_accuracy(
                    [(learner, alpha)], sampling.sample_episode(pools, EpisodeSpec(2, 1, 1), 0, n)
                ).numpy()
                for n in range(100)
            ]
        )
    gaps = 100 * (np.array(scores[0], float) - np.array(scores[1], float))
    low, high = stats.ttest_1samp(gaps, 0).confidence_interval(0.95)
    signs = ["−" if gap < 0 else "+" for gap in gaps.mean(0)]
    cells = zip(signs, abs(gaps.mean(0)), (high - low) / 2, strict=True)
    return [f"{sign}{gap:.1f} ± {half:.1f}" for sign, gap, half in cells]


def test_differences_are_paired_over_the_same_episodes(two_splits: None) -> None:
    at = open_page(EVALUATE, **SHORT, who=["MAML", "Pretrained", "ANIL"])
    assert not [one for one in at.selectbox if one.key == "minus"], "nothing is measured"
    at.button(key="evaluate").click().run()
    assert at.selectbox(key="minus").value == "MAML"
    for minus, label in (("maml", "MAML"), ("anil", "ANIL")):
        at.selectbox(key="minus").set_value(label).run()
        assert not at.exception
        others = [one for one in ("maml", "pretrained", "anil") if one != minus]
        found = table(at, 1)
        assert [row.pop("Method") for row in found] == [STYLES[one].short_label for one in others]
        assert found == [{"step 1": paired(one, minus)[1]} for one in others]
        assert f"minus that of {label} after as many inner steps" in texts(at, "caption")
    assert len(table(at)) == 3, "the accuracies stay"


def test_a_link_names_what_is_subtracted(two_splits: None) -> None:
    at = open_page(EVALUATE, **SHORT, who=["MAML", "ANIL"], minus="ANIL")
    assert not at.warning[1:]
    at.button(key="evaluate").click().run()
    assert at.selectbox(key="minus").value == "ANIL"
    assert [one["Method"] for one in table(at, 1)] == ["MAML"]


def test_what_is_subtracted_stays_chosen_while_a_setting_is_not_measured(two_splits: None) -> None:
    at = open_page(EVALUATE, **SHORT, who=["MAML", "ANIL"])
    at.button(key="evaluate").click().run()
    at.selectbox(key="minus").set_value("ANIL").run()
    at.segmented_control(key="queries").set_value("Each alone").run()
    assert not tables(at)
    at.slider(key="test_steps").set_value(2).run()
    at.button(key="evaluate").click().run()
    assert at.selectbox(key="minus").value == "ANIL"


def test_one_method_has_no_difference(two_splits: None) -> None:
    at = open_page(EVALUATE, **SHORT, who=["MAML"])
    at.button(key="evaluate").click().run()
    assert len(tables(at)) == 1
    assert "Paired differences" not in texts(at, "markdown")


def test_tables_are_put_in_order_by_numbers_and_keep_the_methods_in_view(two_splits: None) -> None:
    at = open_page(EVALUATE, **SHORT)
    at.button(key="evaluate").click().run()
    *_, published, runs = at.dataframe
    for one in at.dataframe:
        words = {"Method", "Split", "Network", "Queries", "Source"}
        for name in set(one.value.columns) - words:
            assert is_numeric_dtype(one.value[name]), name
        assert json.loads(one.proto.columns)["Method"]["pinned"] is True
    errors = list(runs.value.sort_values("Error in %")["Error in %"])
    assert errors == sorted(errors)
    assert {error for _, error, _ in PUBLISHED_RUNS} <= set(errors)
    first = PUBLISHED[0].accuracy[5, 1].partition(" ± ")
    assert published.value["5-way 1-shot"][0] == float(first[0])
    shown = convert_arrow_bytes_to_pandas_df(published.proto.arrow_data.styler.display_values)
    assert list(shown["5-way 1-shot"])[: len(PUBLISHED)] == [o.accuracy[5, 1] for o in PUBLISHED]


def test_references_and_drawers_reach_the_evaluation() -> None:
    at = open_page(
        EVALUATE,
        **{**SHORT, "n_way": "6", "within": "true", "same_drawers": "true"},
        who=["Random initialisation", "1-NN on pixels"],
    )
    assert not at.warning[1:]
    assert "6-way 1-shot**, 1 query per class, all from one alphabet" in texts(at, "markdown")
    at.button(key="evaluate").click().run()
    spec = EpisodeSpec(6, 1, 1, within_alphabet=True, same_drawers=True)
    data = load("glyphs")
    pool = make_pool(data, split_classes(data, "alphabets", "test"))
    *_, nearest = evaluate_nearest(
        None, pool, spec, EvaluationConfig(episodes=100, seed=DEFAULTS["seed"])
    )
    assert table(at) == [
        row("random", measured("random", spec=spec)),
        {**row("nearest-pixels", nearest), "step 1": "–"},
    ]
    assert [list(one) for one in table(at, 1)] == [["Method", "step 1"]]
    flat = numbers(chart(at, 0), STYLES["nearest-pixels"].short_label)
    assert flat == pytest.approx(2 * [100 * nearest.accuracy[0]])
    whole = chart(at, 0)["layout"]["yaxis"]["range"]
    at.toggle(key="evaluate_close").set_value(True).run()
    close = chart(at, 0)["layout"]["yaxis"]["range"]
    assert whole[0] < 0 < close[0] < min(flat)


@pytest.mark.slow
def test_of_many_steps_the_table_shows_the_first_each_tenth_and_the_last(two_splits: None) -> None:
    at = open_page(EVALUATE, **{**SHORT, "test_steps": "21"}, who="MAML")
    at.button(key="evaluate").click().run()
    assert not at.exception
    (shown,) = table(at)
    steps = [*range(11), 20, 21]
    assert list(shown) == ["Method", *(f"step {step}" for step in steps)]
    drawn = numbers(chart(at, 0), STYLES["maml"].label)
    assert len(drawn) == 22
    for step in steps:
        assert shown[f"step {step}"].split(" ± ")[0] == f"{drawn[step]:.1f}"


def test_inner_steps_are_chosen_only_where_somebody_takes_any() -> None:
    at = open_page(EVALUATE, who="ProtoNet", test_steps="3")
    at.pills(key="who").set_value(["ProtoNet", "1-NN on pixels"]).run()
    steps = at.slider(key="test_steps")
    assert steps.disabled
    assert "None of the chosen methods takes an inner step" in steps.help
    at.pills(key="who").set_value(["ProtoNet", "MAML"]).run()
    steps = at.slider(key="test_steps")
    assert (steps.disabled, steps.value) == (False, 3)


def test_without_a_method_there_is_nothing_to_evaluate() -> None:
    at = open_page(EVALUATE)
    at.pills(key="who").set_value([]).run()
    assert "Choose at least one method" in texts(at, "info")
    assert "evaluate" not in {button.key for button in at.button}
    at.pills(key="who").set_value(["Random initialisation"]).run()
    assert not at.info
    assert "evaluate" in {button.key for button in at.button}


@pytest.mark.parametrize(
    ("name", "text", "default"),
    [
        ("who", "klingon", ["MAML", "Pretrained"]),
        ("who", "ANIL", ["MAML", "Pretrained"]),  # a method, but its weights are not here
        ("split", "alphabets", "Unseen alphabets"),
        ("split", PAPER, "Unseen alphabets"),  # likewise
        ("queries", "true", "Together"),
        ("test_steps", "101", 5),
        ("test_steps", "0", 5),
        ("test_steps", "some", 5),
        ("episodes", "101", 600),
        ("episodes", "many", 600),
        ("same_drawers", "1", False),
        ("official", "20", False),
        ("four_turns", "4", False),
        ("close_ups", "yes", False),
    ],
)
def test_a_bad_choice_in_evaluates_link_gives_the_default_and_a_sentence(
    name: str, text: str, default: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = {("maml", "alphabets"), ("pretrained", "alphabets")}
    monkeypatch.setattr(checkpoints, "is_shipped", lambda *one: one in here)
    at = open_page(EVALUATE, **{name: text})
    assert f"{name} = '{text}'" in texts(at, "warning")
    assert at.session_state[name] == default
    assert "evaluate" in {button.key for button in at.button}


def test_evaluates_link_can_name_its_choices() -> None:
    at = open_page(
        EVALUATE,
        who=["1-NN on features", "MAML"],
        queries="Each alone",
        test_steps="7",
        episodes="2000",
        same_drawers="true",
        four_turns="true",
        close_ups="true",
    )
    state = at.session_state
    assert set(state.who) == {"1-NN on features", "MAML"}
    assert (state.queries, state.test_steps) == ("Each alone", 7)
    assert (state.episodes, state.same_drawers) == (2000, True)
    assert (state.four_turns, state.close_ups) == (True, True)
    assert not at.warning[1:]
    assert at.button(key="evaluate").label == "Evaluate on 2,000 episodes"


def test_each_split_has_methods_weights_and_characters_of_its_own(two_splits: None) -> None:
    at = open_page(
        EVALUATE, **SHORT, who=["MAML", "ANIL", "Random initialisation", "1-NN on features"]
    )
    assert not at.warning[1:]
    at.segmented_control(key="split").set_value(PAPER).run()
    assert not at.exception
    assert at.pills(key="who").options == [
        "MAML",
        "Random initialisation",
    ]
    assert {one.label for one in at.checkbox} == {"Reptile", "1-NN on pixels"}
    assert at.session_state.who == ["MAML", "Random initialisation"]
    at.button(key="evaluate").click().run()
    found = {method: measured(method, "paper") for method in ("maml", "random")}
    assert table(at) == [row(method, one) for method, one in found.items()]
    assert "split “paper”" in texts(at, "caption")
    assert found["maml"] != measured("maml", "alphabets")
    at.segmented_control(key="split").set_value("Unseen alphabets").run()
    assert not at.exception
    assert not tables(at), "no numbers of the other split"
    assert not at.warning[1:]


def test_when_a_split_has_none_of_the_chosen_methods_one_is_to_be_chosen(two_splits: None) -> None:
    at = open_page(EVALUATE, who="ANIL")
    at.segmented_control(key="split").set_value(PAPER).run()
    assert not at.exception
    assert at.session_state.who == []
    assert "Choose at least one method" in texts(at, "info")


def test_a_link_to_the_other_split_names_that_splits_methods(two_splits: None) -> None:
    at = open_page(EVALUATE, split=PAPER, who="Reptile")
    assert (at.session_state.split, at.session_state.who) == (PAPER, ["Reptile"])
    assert not at.warning[1:]
    at = open_page(EVALUATE, split=PAPER, who="Pretrained")
    assert "who = 'Pretrained', which is not one of MAML, Random initialisation," in texts(
        at, "warning"
    )
    assert (at.session_state.split, at.session_state.who) == (PAPER, ["MAML"])


def test_a_link_to_a_split_without_weights_names_the_first_splits_methods(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checkpoints, "is_shipped", lambda *one: one == ("maml", "alphabets"))
    at = open_page(EVALUATE, split=PAPER, who=["MAML", "Random initialisation"])
    assert "split = " in texts(at, "warning")
    assert "who = " not in texts(at, "warning")
    assert at.segmented_control(key="split").options == ["Unseen alphabets"]
    assert at.session_state.who == ["MAML", "Random initialisation"]


def test_what_cannot_be_drawn_from_the_other_split_is_a_sentence(two_splits: None) -> None:
    data = load("glyphs")
    paper = Counter(data.classes[c].alphabet for c in split_classes(data, "paper", "test"))
    n_way = max(paper.values()) + 1
    at = open_page(EVALUATE, n_way=str(n_way), within="true")
    assert not at.error
    at.segmented_control(key="split").set_value(PAPER).run()
    assert not at.exception
    assert f"the largest alphabet has {n_way - 1} characters" in texts(at, "error")
    assert "evaluate" not in {button.key for button in at.button}


def after_one(found: Estimate) -> tuple[float, float]:
    return found.accuracy[1], found.ci95[1]


def test_what_was_measured_stays_next_to_what_is_measured_next(two_splits: None) -> None:
    at = open_page(EVALUATE, **SHORT)
    at.button(key="evaluate").click().run()
    assert "Side by side" not in texts(at, "subheader"), "there is one alone"
    at.segmented_control(key="queries").set_value("Each alone").run()
    assert "Side by side" in texts(at, "subheader"), "a changed setting throws nothing away"
    at.button(key="evaluate").click().run()
    found = {m: [measured(m, together=t) for t in (True, False)] for m in ("maml", "pretrained")}
    names = [
        f"{n}: 2-way 1-shot, normalised {how}" for n, how in ((1, "together"), (2, "each alone"))
    ]
    for number, name in enumerate(names):
        both = [(m, found[m][number]) for m in found]
        values = " · ".join(f"{STYLES[m].label} {percent(*after_one(e))} %" for m, e in both)
        assert f"**{name}**  \n{values}" in texts(at, "markdown")
    figure = chart(at, 1)
    for method, both in found.items():
        last = [100 * one.accuracy[-1] for one in both]
        assert numbers(figure, STYLES[method].label) == pytest.approx(last)
    assert "With normalised together → each alone, MAML goes from" in texts(at, "markdown")
    remove = [button for button in at.button if button.key.startswith("remove_")]
    assert len(remove) == 2
    remove[0].click().run()
    assert "Side by side" not in texts(at, "subheader")
    assert tables(at), "of the one that was not removed"


def test_no_more_measurements_are_kept_than_a_list_can_show(
    two_splits: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(many_episodes, "MAX_KEPT", 2)
    at = open_page(EVALUATE, **SHORT, who=["MAML"])
    for seed in (0, 1, 2):
        at.number_input(key="seed").set_value(seed).run()
        at.button(key="evaluate").click().run()
    assert "seed 0" not in texts(at, "markdown")
    assert "**1: 2-way 1-shot, seed 1**" in texts(at, "markdown")
    assert "**2: 2-way 1-shot, seed 2**" in texts(at, "markdown")


def test_what_would_take_hours_is_a_sentence_with_a_remedy() -> None:
    most = {"n_way": "10", "k_shot": "10", "q_query": "10", "test_steps": "100", "episodes": "2000"}
    at = open_page(EVALUATE, **most, four_turns="true", close_ups="true")
    told = texts(at, "info")
    assert "2,000 episodes × 2 methods × 100 inner steps × 8 views, 10-way 10-shot" in told
    # 2,000 × 2 × 8 × (100 steps of 100 pictures, forwards and back, and 101 × 100 queries)
    assert f"{2_000 * 2 * 8 * (100 * 100 * 3 + 101 * 100) / 1e8:.1f} times" in told
    assert "Choose fewer of them" in told
    assert at.button(key="evaluate").disabled
    at.slider(key="test_steps").set_value(5).run()
    assert not texts(at, "info")
    assert not at.button(key="evaluate").disabled


def test_steps_that_nobody_takes_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    most = {"n_way": "20", "k_shot": "10", "test_steps": "100", "episodes": "2000"}
    solving = replace(random_learner(), method="protonet", solve_head=prototype_head)
    monkeypatch.setattr(checkpoints, "is_shipped", lambda *one: one[0] in ("protonet", "maml"))
    monkeypatch.setattr(
        checkpoints,
        "shipped",
        lambda method, split="alphabets": solving if method == "protonet" else random_learner(),
    )
    at = open_page(EVALUATE, **most, who="ProtoNet", four_turns="true", close_ups="true")
    assert not texts(at, "info")
    assert not at.button(key="evaluate").disabled
    at.pills(key="who").set_value(["MAML", "ProtoNet"]).run()
    assert "× 2 methods × 100 inner steps × 8 views" in texts(at, "info")
    assert at.button(key="evaluate").disabled
