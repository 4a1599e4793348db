"""Each page through Streamlit's own test runner."""

import base64
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from streamlit import config as st_config
from streamlit.testing.v1 import AppTest

from maml_core import checkpoints, datasets
from maml_core.comparison import Recording, compare
from maml_core.config import EpisodeSpec
from maml_core.datasets import load
from maml_core.datasets.splits import split_classes
from maml_core.episodes import make_pool, sample_episode
from maml_core.exports import script
from maml_core.figures import STYLES
from pages.shared import loaders
from pages.shared.settings import DEFAULTS, LINK

ROOT = Path(__file__).parents[2]
TIMEOUT = 60
EPISODES, ADAPT = "pages/episodes.py", "pages/adapt.py"


def open_page(path: str, **query: str) -> AppTest:
    at = AppTest.from_file(ROOT / "app.py", default_timeout=TIMEOUT)
    at.query_params.update(query)
    at.run()
    at = at.switch_page(path).run() if path != EPISODES else at
    assert not at.exception
    return at


def texts(at: AppTest, kind: str) -> str:
    return " ".join(str(one.value) for one in getattr(at, kind))


def chart(at: AppTest, number: int) -> dict:
    return json.loads(at.get("plotly_chart")[number].proto.spec)


def numbers(figure: dict, name: str) -> list[float]:
    """Return the y values of a chart's line."""
    (line,) = (line for line in figure["data"] if line.get("name") == name)
    y = line["y"]
    if isinstance(y, dict):  # Plotly's packed arrays
        return np.frombuffer(base64.b64decode(y["bdata"]), np.dtype(y["dtype"])).tolist()
    return [float(value) for value in y]


@pytest.mark.parametrize("path", [EPISODES, ADAPT])
def test_opens_with_the_defaults_and_says_where_the_characters_come_from(path: str) -> None:
    at = open_page(path)
    assert not at.error
    assert at.sidebar.slider(key="n_way").value == DEFAULTS["n_way"]
    assert at.sidebar.selectbox(key="dataset").value == "Glyphs"
    assert "Omniglot is not on this machine" in " ".join(c.value for c in at.sidebar.caption)
    assert at.sidebar.button(key="get_omniglot").label == "Get Omniglot (14 MB)"


@pytest.mark.parametrize("name", LINK)
@pytest.mark.parametrize("path", [EPISODES, ADAPT])
def test_a_bad_value_in_the_link_gives_the_default_and_a_sentence(path: str, name: str) -> None:
    at = open_page(path, **{name: "-7x"})
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
    for path in (EPISODES, ADAPT):
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
