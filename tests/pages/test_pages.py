"""Each page through Streamlit's own test runner."""

import base64
import json
import os
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from streamlit import config as st_config
from streamlit.commands import navigation
from streamlit.runtime.pages_manager import PagesManager
from streamlit.testing.v1 import AppTest

from maml_core import checkpoints, datasets, game
from maml_core.comparison import Recording, compare
from maml_core.config import EpisodeSpec
from maml_core.datasets import load
from maml_core.datasets.splits import split_classes
from maml_core.episodes import make_pool, sample_episode
from maml_core.evaluation import Estimate, evaluate, evaluate_nearest
from maml_core.exports import script
from maml_core.figures import STYLES
from maml_core.learners import Learner, random_learner
from maml_core.models import Conv4, initial_params
from maml_core.results import PUBLISHED
from pages.shared import loaders
from pages.shared.settings import DEFAULTS, LINK
from tests.pages.opened import open_page, texts

ROOT = Path(__file__).parents[2]
TIMEOUT = 60
PAGES = (
    "pages/play.py",
    "pages/episodes.py",
    "pages/adapt.py",
    "pages/evaluate.py",
    "pages/draw.py",
    "pages/landscape.py",
)
PLAY, EPISODES, ADAPT, EVALUATE, DRAW, LANDSCAPE = PAGES


def chart(at: AppTest, number: int) -> dict:
    return json.loads(at.get("plotly_chart")[number].proto.spec)


def numbers(figure: dict, name: str) -> list[float]:
    """Return the y values of a chart's line."""
    (line,) = (line for line in figure["data"] if line.get("name") == name)
    y = line["y"]
    if isinstance(y, dict):  # Plotly's packed arrays
        return np.frombuffer(base64.b64decode(y["bdata"]), np.dtype(y["dtype"])).tolist()
    return [float(value) for value in y]


def test_a_page_that_streamlit_runs_alone_goes_through_the_app(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As on a new server, when another visitor's app.py begins while this page runs alone."""
    prepare, navigate = PagesManager.__init__, navigation._navigation

    def be_new(self: PagesManager, *arguments: object, **named: object) -> None:
        prepare(self, *arguments, **named)
        PagesManager.uses_pages_directory = True

    def be_overtaken(*arguments: object, **named: object) -> object:
        alone.append(PagesManager.uses_pages_directory)
        PagesManager.uses_pages_directory = False
        return navigate(*arguments, **named)

    alone: list[bool | None] = []
    monkeypatch.setattr(PagesManager, "__init__", be_new)
    monkeypatch.setattr(navigation, "_navigation", be_overtaken)
    at = open_page(EPISODES, n_way="3")
    assert alone == [True, False], "first the page alone, then by way of the app"
    assert at.sidebar.slider(key="n_way").value == 3


@pytest.mark.parametrize("path", PAGES)
def test_opens_with_the_defaults_and_says_where_the_characters_come_from(path: str) -> None:
    at = open_page(path)
    assert not at.error
    assert at.sidebar.slider(key="n_way").value == DEFAULTS["n_way"]
    assert at.sidebar.selectbox(key="dataset").value == "Glyphs"
    assert "Omniglot is not on this machine" in " ".join(c.value for c in at.sidebar.caption)
    assert at.sidebar.button(key="get_omniglot").label == "Get Omniglot (14 MB)"


@pytest.mark.parametrize("path", PAGES)
def test_bad_values_in_the_link_give_the_defaults_and_a_sentence_each(path: str) -> None:
    at = open_page(path, **dict.fromkeys(LINK, "-7x"))
    for name in LINK:
        assert f"{name} = '-7x'" in texts(at, "warning")
        expected = "Glyphs" if name == "dataset" else DEFAULTS[name]
        assert at.session_state[name] == expected


def test_a_good_link_is_taken_as_it_is() -> None:
    at = open_page(
        EPISODES, dataset="Glyphs", n_way="7", k_shot="3", q_query="2", seed="11", within="true"
    )
    state = at.session_state
    assert state.dataset == "Glyphs"
    assert (state.n_way, state.k_shot, state.q_query, state.seed) == (7, 3, 2, 11)
    assert state.within is True
    assert "7-way 3-shot" in texts(at, "subheader")
    assert not at.warning


def test_only_new_episode_changes_the_seed() -> None:
    at = open_page(EPISODES)
    at.sidebar.slider(key="n_way").set_value(4).run()
    at.sidebar.slider(key="k_shot").set_value(2).run()
    assert at.session_state.seed == DEFAULTS["seed"]
    at.sidebar.button(key="new_episode").click().run()
    assert at.session_state.seed != DEFAULTS["seed"]


def test_an_episode_that_cannot_be_drawn_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise ValueError("n_way is 20, but there are only 12 classes.")

    monkeypatch.setattr(loaders, "sample_episode", refuse)
    monkeypatch.setattr(game, "sample_episodes", refuse)
    for path in PAGES:
        assert "only 12 classes" in texts(open_page(path), "error")


def comparison(n_way: int, steps: int, factor: float = 1.0) -> list[Recording]:
    """What the Adapt page should show, computed without it."""
    data = load("glyphs")
    pool = make_pool(data, split_classes(data, "alphabets", "test"))
    episode = sample_episode(pool, EpisodeSpec(n_way, 1, DEFAULTS["q_query"]), DEFAULTS["seed"])
    learners = {method: checkpoints.shipped(method) for method in ("maml", "pretrained", "random")}
    return compare(learners, episode, steps, factor)


def test_the_charts_show_what_the_engine_computes() -> None:
    at = open_page(ADAPT, n_way="3", steps="4", alpha="× 0.5")
    for recording in comparison(3, 4, 0.5):
        label = STYLES[recording.method].label
        shown = numbers(chart(at, 0), label)
        np.testing.assert_allclose(shown, 100 * recording.accuracy, atol=1e-4)
        losses = chart(at, 1)
        np.testing.assert_allclose(
            numbers(losses, f"{label} · query"), np.maximum(recording.query_loss, 1e-4), rtol=1e-3
        )


def test_each_inner_step_has_a_frame() -> None:
    at = open_page(ADAPT, n_way="2", steps="3")
    for number in (0, 1):
        frames = chart(at, number)["frames"]
        assert [frame["name"] for frame in frames] == ["0", "1", "2", "3"]


def test_a_method_can_be_left_out_and_all_of_them() -> None:
    at = open_page(ADAPT, n_way="2", steps="1")
    at.pills(key="methods").set_value(["Random start"]).run()
    assert {line["name"] for line in chart(at, 0)["data"] if line.get("name")} == {"Random start"}
    at.pills(key="methods").set_value([]).run()
    assert "Choose at least one method" in texts(at, "info")
    assert not at.exception


def test_a_link_can_name_the_pages_own_choices() -> None:
    at = open_page(ADAPT, n_way="2", methods="Random start", steps="3", alpha="× 2")
    assert not at.warning
    assert at.session_state.methods == ["Random start"]
    assert (at.session_state.steps, at.session_state.alpha) == (3, "× 2")


def test_a_learning_rate_that_breaks_is_said() -> None:
    at = open_page(ADAPT, n_way="2", steps="20", alpha="× 32")
    broken = [recording for recording in comparison(2, 20, 32.0) if recording.broke_at is not None]
    assert texts(at, "warning").count("no finite number") == len(broken)


def test_repeating_gives_the_mean_over_the_episodes() -> None:
    at = open_page(ADAPT, n_way="2", q_query="1", steps="1")
    at.button(key="repeat").click().run()
    assert not at.exception
    assert "Mean over 100 episodes" in texts(at, "caption")
    assert [b.label for b in at.get("download_button")].count("These numbers as CSV") == 1


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
    method: str, split: str = "alphabets", spec: EpisodeSpec | None = None, together: bool = True
) -> Estimate:
    """What the Evaluate page should show of 100 episodes and one step, computed without it."""
    data = load("glyphs")
    pool = make_pool(data, split_classes(data, split, "test"))
    *_, last = evaluate(
        checkpoints.shipped(method, split),
        pool,
        spec or EpisodeSpec(2, 1, 1),
        inner_steps=1,
        episodes=100,
        seed=DEFAULTS["seed"],
        transductive=together,
    )
    return last


def table(at: AppTest) -> list[dict[str, str]]:
    """Return the rows of the Evaluate page's own table."""
    own, published = (one.value for one in at.dataframe)
    assert {"Split", "Source"} <= set(published.columns)
    return own.to_dict("records")


def row(method: str, found: Estimate) -> dict[str, str]:
    cells = zip(found.accuracy, found.ci95, strict=True)
    return {"Method": STYLES[method].label} | {
        f"step {step}": f"{100 * mean:.1f} ± {100 * half:.1f}"
        for step, (mean, half) in enumerate(cells)
    }


def test_evaluate_begins_with_the_controls_and_the_published_numbers() -> None:
    at = open_page(EVALUATE)
    state = at.session_state
    assert (state.split, state.queries) == ("Unseen alphabets", "Together")
    assert state.who == ["MAML", "Pretrained"]
    assert (state.test_steps, state.episodes, state.same_drawers) == (5, 600, False)
    assert at.button(key="evaluate").label == "Evaluate on 600 episodes"
    (published,) = at.dataframe
    assert list(published.value["Method"])[-len(PUBLISHED) :] == [one.method for one in PUBLISHED]
    assert not at.get("plotly_chart")
    assert not at.warning[1:], "only that these are not Omniglot's characters"


def test_evaluate_shows_what_the_engine_measures_in_either_way(two_splits: None) -> None:
    at = open_page(EVALUATE, **SHORT)
    tables = []
    for words, together in (("Together", True), ("Each alone", False)):
        at.segmented_control(key="queries").set_value(words).run()
        assert len(at.dataframe) == 1, "no numbers of another way to normalise"
        at.button(key="evaluate").click().run()
        assert not at.exception
        found = {m: measured(m, together=together) for m in ("maml", "pretrained")}
        tables.append(table(at))
        assert tables[-1] == [row(method, one) for method, one in found.items()]
        for method, one in found.items():
            shown = numbers(chart(at, 0), STYLES[method].label)
            assert shown == pytest.approx([100 * mean for mean in one.accuracy])
        assert (
            "Mean over 100 episodes of characters never seen in training, split “alphabets”, "
            f"queries normalised {words.lower()};"
        ) in texts(at, "caption")
    assert tables[0] != tables[1]
    at.segmented_control(key="queries").set_value("Together").run()
    assert table(at) == tables[0], "what was measured before is kept"


def test_references_and_drawers_reach_the_evaluation() -> None:
    at = open_page(
        EVALUATE,
        **{**SHORT, "n_way": "6", "within": "true", "same_drawers": "true"},
        who=["Random start", "Nearest by pixels"],
    )
    assert not at.warning[1:]
    assert "6-way 1-shot**, 1 query a class, all from one alphabet" in texts(at, "markdown")
    at.button(key="evaluate").click().run()
    spec = EpisodeSpec(6, 1, 1, within_alphabet=True, same_drawers=True)
    data = load("glyphs")
    pool = make_pool(data, split_classes(data, "alphabets", "test"))
    *_, nearest = evaluate_nearest(None, pool, spec, episodes=100, seed=DEFAULTS["seed"])
    assert table(at) == [
        row("random", measured("random", spec=spec)),
        {**row("nearest-pixels", nearest), "step 1": "–"},
    ]
    flat = numbers(chart(at, 0), STYLES["nearest-pixels"].label)
    assert flat == pytest.approx(2 * [100 * nearest.accuracy[0]])
    whole = chart(at, 0)["layout"]["yaxis"]["range"]
    at.toggle(key="evaluate_close").set_value(True).run()
    close = chart(at, 0)["layout"]["yaxis"]["range"]
    assert whole[0] < 0 < close[0] < min(flat)


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


def test_without_a_method_there_is_nothing_to_evaluate() -> None:
    at = open_page(EVALUATE)
    at.pills(key="who").set_value([]).run()
    assert "Choose at least one method" in texts(at, "info")
    assert "evaluate" not in {button.key for button in at.button}
    at.pills(key="who").set_value(["Random start"]).run()
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
        who=["Nearest by features", "MAML"],
        queries="Each alone",
        test_steps="7",
        episodes="2000",
        same_drawers="true",
    )
    state = at.session_state
    assert set(state.who) == {"Nearest by features", "MAML"}
    assert (state.queries, state.test_steps) == ("Each alone", 7)
    assert (state.episodes, state.same_drawers) == (2000, True)
    assert not at.warning[1:]
    assert at.button(key="evaluate").label == "Evaluate on 2,000 episodes"


def test_each_split_has_methods_weights_and_characters_of_its_own(two_splits: None) -> None:
    at = open_page(EVALUATE, **SHORT, who=["MAML", "ANIL", "Random start", "Nearest by features"])
    assert not at.warning[1:]
    at.segmented_control(key="split").set_value(PAPER).run()
    assert not at.exception
    assert at.pills(key="who").options == ["MAML", "Random start", "Reptile", "Nearest by pixels"]
    assert at.session_state.who == ["MAML", "Random start"]
    at.button(key="evaluate").click().run()
    found = {method: measured(method, "paper") for method in ("maml", "random")}
    assert table(at) == [row(method, one) for method, one in found.items()]
    assert "split “paper”" in texts(at, "caption")
    assert found["maml"] != measured("maml", "alphabets")
    at.segmented_control(key="split").set_value("Unseen alphabets").run()
    assert not at.exception
    assert len(at.dataframe) == 1, "no numbers of the other split"
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
    assert "who = 'Pretrained', which is not one of MAML, Random start," in texts(at, "warning")
    assert (at.session_state.split, at.session_state.who) == (PAPER, ["MAML"])


def test_a_link_to_a_split_without_weights_names_the_first_splits_methods(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checkpoints, "is_shipped", lambda *one: one == ("maml", "alphabets"))
    at = open_page(EVALUATE, split=PAPER, who=["MAML", "Random start"])
    assert "split = " in texts(at, "warning")
    assert "who = " not in texts(at, "warning")
    assert at.segmented_control(key="split").options == ["Unseen alphabets"]
    assert at.session_state.who == ["MAML", "Random start"]


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


def test_predict_first_hides_the_curves_until_they_have_been_played() -> None:
    at = open_page(ADAPT, n_way="2", steps="3")
    at.toggle(key="predict").set_value(True).run()
    assert [len(numbers(chart(at, 0), STYLES[m].label)) for m in ("maml", "random")] == [1, 1]
    at.segmented_control(key="guess_last").set_value("MAML").run()
    assert "after step 3" not in texts(at, "markdown")
    assert "Who is taken for whom?" not in texts(at, "subheader")


def test_the_script_prints_the_charts_numbers(tmp_path: Path, data_dir: Path) -> None:
    found = comparison(2, 2)
    inner_lrs = {recording.method: recording.inner_lr for recording in found}
    spec = EpisodeSpec(2, 1, DEFAULTS["q_query"])
    text = script("glyphs", "alphabets", "test", spec, 0, inner_lrs, 2)
    few = f"from maml_core import datasets\ndatasets.GLYPHS = {datasets.GLYPHS!r}\n"
    (tmp_path / "experiment.py").write_text(few + text)
    run = subprocess.run(
        [sys.executable, str(tmp_path / "experiment.py")],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    for recording, line in zip(found, run.stdout.splitlines(), strict=True):
        shown = [f"{100 * share:.1f}" for share in recording.accuracy]
        assert line.split() == [recording.method, *shown]


def test_streamlit_is_configured_as_the_app_needs_it() -> None:
    config = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text())
    assert config["runner"]["postScriptGC"] is False
    assert config["browser"]["gatherUsageStats"] is False
    assert config["server"]["maxUploadSize"] <= 5
    # A hidden option: gone from Streamlit, it would be silently ignored.
    assert "runner.postScriptGC" in st_config.get_config_options()
