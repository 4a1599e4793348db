"""The Landscape page through Streamlit's own test runner."""

import math
from functools import partial

import numpy as np
import pytest

from maml_core.config import EpisodeSpec
from maml_core.data.registry import load
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import make_pool
from maml_core.episodes.sampling import sample_episode
from maml_core.figures.style import STYLES
from maml_core.landscape import episode_loss, loss_maps, plane_descent
from maml_core.landscape.loss_maps import Grid, Window
from maml_core.learners import checkpoints
from maml_core.networks.functional import for_n_way
from pages.landscape import grid_cache, plane_cache
from pages.landscape.grid_cache import GridStore
from pages.shared.learners.recorded import recorded_params
from pages.shared.link_settings import DEFAULTS
from pages.shared.widgets import plain_text
from tests.support import opened_page
from tests.support.opened_page import texts

SMALL = {"n_way": "2", "q_query": "1"}
open_page = partial(opened_page.open_page, "pages/landscape/page.py", **SMALL)


@pytest.fixture(autouse=True)
def coarse_maps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the maps have 3 × 3, 5 × 5 and 9 × 9 points."""
    for module in (loss_maps, grid_cache):
        monkeypatch.setattr(module, "RESOLUTIONS", (3, 5, 9))


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """What the maps' component was given, run by run; its JavaScript does not run here."""
    given = []

    def mount(**arguments: object) -> None:
        given.append(arguments["data"])

    monkeypatch.setattr("pages.landscape.map_component._mount", mount)
    return given


def paths_of(panel: dict) -> list[dict]:
    return [
        trace
        for trace in panel["figure"]["data"]
        if trace.get("meta") == "path" and "markers" in trace["mode"]
    ]


def engine(kind: str = "paths"):
    """Return what the page should have used: episode, learners and planes."""
    data = load("glyphs")
    pool = make_pool(data, split_classes(data, "alphabets", "test"))
    episode = sample_episode(pool, EpisodeSpec(2, 1, 1), DEFAULTS["seed"])
    learners = {method: checkpoints.shipped(method) for method in ("maml", "pretrained")}
    return episode, learners, plane_descent.build_planes(kind, learners, episode, 0)


def values(packed: object) -> np.ndarray:
    """Return the numbers of a figure's array, whichever way Plotly wrote it."""
    if isinstance(packed, dict):
        import base64

        found = np.frombuffer(base64.b64decode(packed["bdata"]), packed["dtype"])
        shape = tuple(int(n) for n in str(packed.get("shape", len(found))).split(","))
        return found.reshape(shape)
    return np.array(packed, dtype=float)


def test_the_maps_show_what_the_engine_computes(drawn: list[dict]) -> None:
    open_page()
    episode, learners, planes = engine()
    panels = {panel["name"]: panel for panel in drawn[-1]["panels"]}
    assert list(panels) == list(planes)
    window = Window(*drawn[-1]["window"].values())
    for name, plane in planes.items():
        ground = panels[name]["figure"]["data"][0]
        assert ground["type"] == "contour"
        loss_fn = partial(
            episode_loss.loss_and_accuracy, learners[name].model, task=episode.task, which="support"
        )
        *_, grid = loss_maps.evaluate_grid(loss_fn, plane, window, resolution=5)
        told = values(ground["customdata"])
        np.testing.assert_allclose(told[..., 0], grid.loss, rtol=1e-3)
        np.testing.assert_allclose(told[..., 1], grid.accuracy, atol=1e-6)
        path = plane_descent.descend(
            learners[name], episode, plane, inner_lr=learners[name].inner_lr(2), inner_steps=10
        )
        (line,) = paths_of(panels[name])
        np.testing.assert_allclose(line["x"], path.x, atol=1e-5)
        np.testing.assert_allclose(line["y"], path.y, atol=1e-5)


def test_the_first_run_shows_coarse_maps_and_later_ones_ever_finer_ones(drawn: list[dict]) -> None:
    at = open_page()
    sides = []
    for one in drawn:
        grounds = [d for p in one["panels"] for d in p["figure"]["data"] if d["type"] == "contour"]
        sides.append({len(values(ground["x"])) for ground in grounds})
        assert all(len(paths_of(panel)) == 1 for panel in one["panels"])
    assert sides == [{3}, {5}]
    at.toggle(key="finest").set_value(True).run()
    assert len(values(drawn[-1]["panels"][0]["figure"]["data"][0]["x"])) == 9
    assert "9 × 9 points per map" in texts(at, "caption")


def test_a_link_names_planes_starts_and_window(drawn: list[dict]) -> None:
    at = open_page(
        plane="Both ends", drawn="Query accuracy", view="Surface", rate="× 2",
        starts="together:0.1,0.2;together:-0.1,5", window="0.1,6,8", path_steps="3",
    )  # fmt: skip
    assert not at.warning
    (panel,) = drawn[-1]["panels"]
    assert (panel["name"], drawn[-1]["view"], drawn[-1]["steps"]) == ("together", "surface", 3)
    assert drawn[-1]["window"] == {"x": 0.1, "y": 6.0, "half": 8.0}
    lines = paths_of(panel)
    assert [line["name"] for line in lines] == ["MAML", "Pretrained", "MAML", "MAML"]
    assert (lines[2]["x"][0], lines[2]["y"][0]) == pytest.approx((0.1, 0.2), abs=1e-4)
    assert (lines[3]["x"][0], lines[3]["y"][0]) == pytest.approx((-0.1, 5), abs=1e-4)
    at.button(key="undo_start").click().run()
    assert len(paths_of(drawn[-1]["panels"][0])) == 3
    assert at.query_params["starts"] in ("together:0.1,0.2", ["together:0.1,0.2"])


@pytest.mark.parametrize(
    "bad",
    [
        {"plane": "Sphere", "view": "-7x", "path_steps": "0", "finest": "maybe", "window": "1,2"},
        {"drawn": "-7x", "rate": "× 5", "update": "12", "window": "1,2,-3", "starts": "maml:1"},
        {"window": "nan,0,1", "starts": "multi_task:1,2"},
        {"window": "a,b,c", "starts": "maml:inf,2"},
    ],
    ids=lambda bad: " ".join(bad),
)
def test_a_bad_value_in_the_link_is_a_sentence_and_the_default(
    bad: dict[str, str], drawn: list[dict]
) -> None:
    at = open_page(**bad)
    for name, value in bad.items():
        assert plain_text(f"{name} = '{value}'") in texts(at, "warning")
    assert [len(paths_of(panel)) for panel in drawn[-1]["panels"]] == [1, 1]
    assert drawn[-1]["view"] == "contour"


def test_another_episode_forgets_starts_and_window_but_another_theta_keeps_them(
    drawn: list[dict],
) -> None:
    at = open_page(starts="maml:0.1,0.1", window="0,0,1")
    at.select_slider(key="update").set_value(113).run()
    assert drawn[-1]["window"] == {"x": 0, "y": 0, "half": 1}
    assert [len(paths_of(panel)) for panel in drawn[-1]["panels"]] == [2, 1]
    assert "113 meta-updates" in drawn[-1]["panels"][0]["title"]
    at.sidebar.button(key="new_episode").click().run()
    assert drawn[-1]["window"] != {"x": 0, "y": 0, "half": 1}
    assert [len(paths_of(panel)) for panel in drawn[-1]["panels"]] == [1, 1]
    assert not at.exception


def test_sliding_through_meta_training_moves_nothing_but_maml(
    drawn: list[dict], monkeypatch: pytest.MonkeyPatch
) -> None:
    at = open_page()
    before, evaluated, evaluate_grid = drawn[-1], [], plane_cache.evaluate_grid
    # The page calls it by the module's name.
    monkeypatch.setattr(
        plane_cache,
        "evaluate_grid",
        lambda *what: evaluated.append(what[1]) or evaluate_grid(*what),
    )
    at.select_slider(key="update").set_value(0).run()
    assert drawn[-1]["window"] == before["window"]
    assert set(evaluated) == {"maml"}
    maml, pretrained = (
        [values(one["panels"][i]["figure"]["data"][0]["customdata"]) for one in (before, drawn[-1])]
        for i in range(2)
    )
    np.testing.assert_array_equal(*pretrained)
    assert not np.allclose(*maml)


def test_a_larger_learning_rate_keeps_the_planes_and_goes_farther(drawn: list[dict]) -> None:
    at = open_page()
    before = paths_of(drawn[-1]["panels"][0])[0]
    at.select_slider(key="rate").set_value("× 8").run()
    after = paths_of(drawn[-1]["panels"][0])[0]
    # The first step is along the same gradient, on the same plane, eight times as long.
    first = [(line["x"][1], line["y"][1]) for line in (before, after)]
    assert math.dist(first[1], (0, 0)) == pytest.approx(8 * math.dist(first[0], (0, 0)), rel=1e-3)
    assert f"α = {8 * checkpoints.shipped('maml').inner_lr(2):.3g}" in texts(at, "markdown")


def test_the_seed_chooses_random_planes_of_which_paths_are_hardly_held(drawn: list[dict]) -> None:
    at = open_page(plane="Random", plane_seed="3")
    one = values(drawn[-1]["panels"][0]["figure"]["data"][0]["customdata"])
    assert texts(at, "markdown").count("so it is dashed") == 2
    assert all(paths_of(panel)[0]["line"]["dash"] == "dash" for panel in drawn[-1]["panels"])
    at.number_input(key="plane_seed").set_value(4).run()
    other = values(drawn[-1]["panels"][0]["figure"]["data"][0]["customdata"])
    assert not np.allclose(one, other)


def test_the_last_recorded_point_is_the_shipped_weights_and_the_first_the_pretrained() -> None:
    recorded = recorded_params()
    assert recorded[max(recorded)] is checkpoints_of("maml")
    for name, value in checkpoints_of("pretrained").items():
        if not name.startswith("head"):
            np.testing.assert_allclose(recorded[0][name], value, atol=2e-3, rtol=1e-3)


def checkpoints_of(method: str):
    return plane_cache.cached.learner(method).params


def test_curvature_of_many_pictures_waits_for_a_click() -> None:
    at = open_page(n_way="13", k_shot="2")
    assert "26 support pictures" in texts(at, "caption")
    at.button(key="measure_curvature").click().run()
    table = at.dataframe[0].value
    assert list(table.columns)[1:] == [STYLES[m].label for m in ("maml", "pretrained")]
    wins = table[table.iloc[:, 0] == "Loss decrease in one step"].iloc[0, 1:]
    assert all(float(value) > 0 for value in wins)
    loss = table[table.iloc[:, 0] == "Support loss at θ"].iloc[0, 1:]
    assert all(float(value) == pytest.approx(math.log(13), abs=1e-3) for value in loss)


def test_a_start_without_a_finite_loss_is_a_sentence(drawn: list[dict]) -> None:
    at = open_page(starts="maml:1e30,1e30")
    assert "start closer to θ" in texts(at, "warning")
    assert "starts" not in at.query_params
    assert [len(paths_of(panel)) for panel in drawn[-1]["panels"]] == [1, 1]


def test_the_store_forgets_what_was_asked_for_the_longest_ago() -> None:
    store = GridStore(most=2)
    one, two, three = (Grid(Window(0, 0, 1), np.zeros((2, 2)), np.zeros((2, 2))) for _ in range(3))
    store.put("one", one)
    store.put("two", two)
    assert store.get("one") is one
    store.put("three", three)
    assert (store.get("one"), store.get("two"), store.get("three")) == (one, None, three)


def test_a_path_starts_at_the_head_of_zeros() -> None:
    """θ of both methods is at the origin of its map, at chance."""
    episode, learners, planes = engine()
    for name, plane in planes.items():
        params = for_n_way(learners[name].params, 2)
        assert plane.project(params) == pytest.approx((0, 0, 0), abs=1e-6)
        loss, _ = episode_loss.loss_and_accuracy(
            learners[name].model, params, episode.task, "support"
        )
        assert loss == pytest.approx(math.log(2))
