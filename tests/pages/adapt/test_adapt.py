"""The Adapt page against the engine."""

import base64
import io
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from maml_core.config import EpisodeSpec
from maml_core.data import registry
from maml_core.data.registry import load
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import make_pool
from maml_core.episodes.sampling import sample_episode
from maml_core.evaluation.comparison import compare
from maml_core.evaluation.trajectory import AdaptationTrajectory
from maml_core.figures.style import STYLES
from maml_core.learners import checkpoints
from maml_core.teaching.exports.experiment import Experiment
from maml_core.teaching.exports.script_exports import comparison_script
from pages.shared import cached
from pages.shared.link_settings import DEFAULTS
from tests.support.opened_page import chart, components, numbers, open_page, texts, told, unpacked

ROOT = Path(__file__).parents[3]
ADAPT = "pages/adapt/page.py"


def comparison(
    n_way: int, steps: int, factor: float = 1.0, seed: int = DEFAULTS["seed"]
) -> list[AdaptationTrajectory]:
    """What the Adapt page should show, computed without it."""
    data = load("glyphs")
    pool = make_pool(data, split_classes(data, "alphabets", "test"))
    episode = sample_episode(pool, EpisodeSpec(n_way, 1, DEFAULTS["q_query"]), seed)
    learners = {method: checkpoints.shipped(method) for method in ("maml", "pretrained", "random")}
    return compare(learners, episode, steps, factor)


def test_the_charts_show_what_the_engine_computes() -> None:
    at = open_page(ADAPT, n_way="3", steps="4", alpha="× 0.5")
    for trajectory in comparison(3, 4, 0.5):
        label = STYLES[trajectory.method].label
        shown = numbers(chart(at, 0), label)
        np.testing.assert_allclose(shown, 100 * trajectory.accuracy, atol=1e-4)
        losses = chart(at, 1)
        np.testing.assert_allclose(
            numbers(losses, f"{label} · query"), np.maximum(trajectory.query_loss, 1e-4), rtol=1e-3
        )


def sentence(at: AppTest) -> str:
    """Return the one sentence that the page draws from the result."""
    (found,) = (one.value for one in at.markdown if one.value.startswith(("After ", "MAML div")))
    return found


def test_a_sentence_says_who_is_ahead_with_exact_counts() -> None:
    at = open_page(ADAPT, n_way="3", steps="4")
    by_method = {t.method: t for t in comparison(3, 4)}
    right = {name: np.rint(t.accuracy * 30).astype(int) for name, t in by_method.items()}
    said = sentence(at)
    assert " of 30 right" in said
    first = said.partition(". ")[0]
    best = max(right, key=lambda name: right[name][1])
    assert STYLES[best].in_sentences in first.partition(" right")[0]
    for name, counts in right.items():
        assert str(counts[1]) in first, name


def test_the_sentence_names_one_method_alone_and_a_divergence() -> None:
    at = open_page(ADAPT, n_way="2", methods="MAML", steps="1")
    assert sentence(at).startswith("After one step MAML has ")
    assert sentence(at).endswith("Choose a second method to compare it with.")
    (alone,) = (t for t in comparison(20, 20, 32.0) if t.method == "pretrained")
    if alone.diverged_at is not None:
        at = open_page(ADAPT, n_way="20", methods="Pretrained", steps="20", alpha="× 32")
        assert f"Pretraining diverged at step {alone.diverged_at}" in texts(at, "markdown")


def test_each_inner_step_has_a_frame() -> None:
    at = open_page(ADAPT, n_way="2", steps="3")
    for number in (0, 1):
        frames = chart(at, number)["frames"]
        assert [frame["name"] for frame in frames] == ["0", "1", "2", "3"]


@pytest.mark.parametrize(
    ("former", "today"),
    [
        ("Random start", ["Random initialisation"]),
        (["MAML", "Random start"], ["MAML", "Random initialisation"]),
        (["Joint pretraining", "Pretrained"], ["Pretrained", "Multi-task training"]),
    ],
)
def test_a_link_may_call_the_methods_by_their_former_names(
    former: str | list[str], today: list[str]
) -> None:
    at = open_page(ADAPT, n_way="2", methods=former, steps="2")
    assert sorted(at.session_state.methods) == sorted(today)
    assert not at.warning
    assert {line["name"] for line in chart(at, 0)["data"] if line.get("name")} == {*today}
    at.slider(key="steps").set_value(3).run()
    assert not at.exception
    assert sorted(at.session_state.methods) == sorted(today)


def test_a_method_can_be_left_out_and_all_of_them() -> None:
    at = open_page(ADAPT, n_way="2", steps="1")
    at.pills(key="methods").set_value(["Random initialisation"]).run()
    assert {line["name"] for line in chart(at, 0)["data"] if line.get("name")} == {
        "Random initialisation"
    }
    at.pills(key="methods").set_value([]).run()
    assert "Choose at least one method" in texts(at, "info")
    assert not at.exception


def test_a_link_can_name_the_pages_own_choices() -> None:
    at = open_page(ADAPT, n_way="2", methods="Random initialisation", steps="3", alpha="× 2")
    assert not at.warning
    assert at.session_state.methods == ["Random initialisation"]
    assert (at.session_state.steps, at.session_state.alpha) == (3, "× 2")


def test_a_learning_rate_that_breaks_is_said() -> None:
    at = open_page(ADAPT, n_way="2", steps="20", alpha="× 32")
    broken = [
        trajectory for trajectory in comparison(2, 20, 32.0) if trajectory.diverged_at is not None
    ]
    assert texts(at, "warning").count("loss is not finite") == len(broken)


def test_who_breaks_is_not_said_before_a_prediction(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaking(*arguments: object) -> list[AdaptationTrajectory]:
        found = compare(*arguments)
        return [replace(one, query_loss=np.full_like(one.query_loss, np.nan)) for one in found]

    monkeypatch.setattr(cached, "compare", breaking)
    at = open_page(ADAPT, n_way="2", steps="2")
    assert texts(at, "warning").count("loss is not finite") == 3
    at.toggle(key="predict").set_value(True).run()
    assert not at.warning


def test_repeating_gives_the_mean_over_the_episodes() -> None:
    at = open_page(ADAPT, n_way="2", q_query="1", steps="1")
    at.button(key="repeat").click().run()
    assert not at.exception
    assert "Mean over 100 episodes" in texts(at, "caption")
    after_one_step = [one.value for one in at.markdown if one.value.startswith("After one step")]
    assert [" of 2 right" in said for said in after_one_step] == [True, False]
    assert [b.label for b in at.get("download_button")].count("These numbers as CSV") == 1


def test_predict_first_hides_the_curves_until_they_have_been_played() -> None:
    at = open_page(ADAPT, n_way="2", steps="3")
    at.toggle(key="predict").set_value(True).run()
    assert [len(numbers(chart(at, 0), STYLES[m].label)) for m in ("maml", "random")] == [1, 1]
    at.segmented_control(key="guess_last").set_value("MAML").run()
    assert "after step 3" not in texts(at, "markdown")
    # The sentence would give the answer away.
    assert not [one.value for one in at.markdown if one.value.startswith("After one step")]
    assert "Which characters get confused?" not in texts(at, "subheader")


def hidden(at: AppTest, label: str) -> bool:
    """Whether nothing of a method's result is on the page, before any step is played."""
    (player,) = (one for one in told(at)["methods"] if one["label"] == label)
    names = [f"{label}{kind}" for kind in ("", " · query", " · support")]
    lines = [
        numbers(chart(at, number), name)
        for number in (0, 1)
        for name in names
        if name in {line.get("name") for line in chart(at, number)["data"]}
    ]
    assert len(lines) == 3
    return player["predictions"][0] is None and bool(np.isnan(np.concatenate(lines)).all())


def test_who_takes_no_step_answers_with_the_others_last_step() -> None:
    at = open_page(ADAPT, n_way="3", steps="3", methods=["MAML", "ProtoNet"], predict="true")
    assert hidden(at, "ProtoNet")
    assert not hidden(at, "MAML"), "it is at chance, as everybody knows"
    assert {"guess_first", "guess_last"} <= {one.key for one in at.segmented_control}
    (protonet,) = (one for one in told(at)["methods"] if one["label"] == "ProtoNet")
    assert [answers is None for answers in protonet["predictions"]] == [True, True, True, False]
    last = chart(at, 0)["frames"][-1]["data"]
    assert len(set(unpacked(last[1]["y"]))) == 1
    at.session_state["player"] = {"finished": told(at)["revision"]}
    at.run()
    assert "Without a step ProtoNet has " in texts(at, "markdown")


def test_where_nobody_takes_a_step_none_is_played_or_asked_about() -> None:
    at = open_page(ADAPT, n_way="3", methods=["ProtoNet", "R2D2"], features="true")
    player = next(one for one in components(at) if "predictions" in str(one))
    assert (player["steps"], player["names"]) == (0, ["Without an inner step"])
    assert at.slider(key="steps").disabled
    assert "gradient descent" not in at.markdown[0].value, "nobody descends"
    assert "hardly move" not in texts(at, "markdown")
    at = open_page(ADAPT, n_way="3", methods=["ProtoNet", "R2D2"], predict="true")
    assert hidden(at, "ProtoNet")
    assert hidden(at, "R2D2")
    asked = [one for one in at.segmented_control if (one.key or "").startswith("guess")]
    assert [one.label for one in asked] == ["Ahead without a step?"]
    asked[0].set_value("A tie").run()
    assert "Without a step" not in texts(at, "markdown")
    at.session_state["player"] = {"finished": told(at)["revision"]}
    at.run()
    data = load("glyphs")
    pool = make_pool(data, split_classes(data, "alphabets", "test"))
    episode = sample_episode(pool, EpisodeSpec(3, 1, DEFAULTS["q_query"]), 0)
    learners = {method: checkpoints.shipped(method) for method in ("protonet", "r2d2")}
    best = max(found.accuracy[0] for found in compare(learners, episode, 0))
    assert f"{100 * best:.0f} %" in next(
        one.value for one in at.markdown if one.value.startswith("Without a step: ")
    )
    assert "Which characters get confused?" in texts(at, "subheader")


def test_one_method_alone_is_not_asked_about() -> None:
    at = open_page(ADAPT, n_way="2", steps="1", methods="MAML", predict="true")
    assert not [one for one in at.segmented_control if (one.key or "").startswith("guess")]
    at.pills(key="methods").set_value(["MAML", "Pretrained"]).run()
    asked = [one for one in at.segmented_control if (one.key or "").startswith("guess")]
    assert [one.label for one in asked] == ["Ahead after step 1?"], "the first step is the last"


TIE = "It is a tie: **MAML and Pretrained** have 100 %."


@pytest.mark.parametrize(
    ("key", "guess", "expected"),
    [
        ("guess_last", "MAML", f"After step 3: nobody is ahead. {TIE}"),
        ("guess_last", "A tie", f"After step 3: you saw it coming. {TIE}"),
        ("guess_first", "Pretrained", "After step 1: you saw it coming. **Pretrained** is ahead"),
        ("guess_first", "A tie", "After step 1: not what you expected. **Pretrained** is ahead"),
    ],
)
def test_a_prediction_is_judged_and_a_tie_is_called_one(
    key: str, guess: str, expected: str
) -> None:
    at = open_page(ADAPT, n_way="3", seed="0", steps="3")
    shown = {trajectory.method: trajectory.accuracy for trajectory in comparison(3, 3, seed=0)}
    assert shown["maml"][3] == shown["pretrained"][3] == 1
    assert shown["maml"][1] < shown["pretrained"][1]
    at.toggle(key="predict").set_value(True).run()
    at.segmented_control(key=key).set_value(guess).run()
    assert "After step" not in texts(at, "markdown")
    at.session_state["player"] = {"finished": told(at)["revision"]}
    at.run()
    assert expected in texts(at, "markdown")
    assert "Which characters get confused?" in texts(at, "subheader")


def test_the_script_prints_the_charts_numbers(tmp_path: Path, data_dir: Path) -> None:
    found = comparison(2, 2)
    inner_lrs = {trajectory.method: trajectory.inner_lr for trajectory in found}
    spec = EpisodeSpec(2, 1, DEFAULTS["q_query"])
    text = comparison_script(Experiment("glyphs", "alphabets", "test", spec, 0, inner_lrs, 2))
    few = f"from maml_core.data import registry\nregistry.GLYPHS = {registry.GLYPHS!r}\n"
    (tmp_path / "experiment.py").write_text(few + text)
    run = subprocess.run(
        [sys.executable, str(tmp_path / "experiment.py")],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    for trajectory, line in zip(found, run.stdout.splitlines(), strict=True):
        shown = [f"{100 * share:.1f}" for share in trajectory.accuracy]
        assert line.split() == [trajectory.method, *shown]


def test_the_player_shows_what_the_methods_adapt_to() -> None:
    shown = told(open_page(ADAPT, n_way="3", k_shot="2", seed="7"))
    data = load("glyphs")
    pool = make_pool(data, split_classes(data, "alphabets", "test"))
    episode = sample_episode(pool, EpisodeSpec(3, 2, DEFAULTS["q_query"]), 7)
    assert [len(examples) for examples in shown["support"]] == [2, 2, 2]
    for examples, pictures in zip(shown["support"], episode.support, strict=True):
        for example, picture in zip(examples, pictures, strict=True):
            content = base64.b64decode(example["picture"].partition("base64,")[2])
            ink = 255 - np.asarray(Image.open(io.BytesIO(content)).convert("L"))
            np.testing.assert_array_equal(ink, data.picture(picture))
            assert str(data.classes[data.class_of(picture)]) in example["caption"]
