"""The weights in `assets/weights`: where they come from, and what they are said to reach."""

import pytest

from maml_core.config import EpisodeSpec, EvaluationConfig
from maml_core.data.character_set import CharacterSet
from maml_core.data.splits import split_classes
from maml_core.episodes.pool import make_pool
from maml_core.evaluation.accuracy import evaluate
from maml_core.evaluation.confidence_intervals import Estimate
from maml_core.learners.checkpoints import load_weights, shipped
from maml_core.paths import ASSETS, WEIGHTS
from maml_core.training.recording import load_recording

FILES = sorted(
    path for split in ("alphabets", "glyphs", "paper") for path in (WEIGHTS / split).iterdir()
)


def test_maml_and_the_baseline_are_there() -> None:
    assert {"maml.safetensors", "pretrained.safetensors"} <= {
        path.name for path in FILES if path.parent.name == "alphabets"
    }


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_weights_say_how_they_were_trained(path) -> None:
    about = load_weights(path).metadata
    for name in ("command", "commit", "device", "torch"):
        assert about[name], name
    trained_on = about["dataset"] if about["dataset"] != "omniglot" else about["split"]
    assert path.parent.name == trained_on
    assert isinstance(about["config"]["seed"], int)
    assert about["updates"] > 0
    assert about["seconds"] > 0


def test_the_weights_are_small_enough_for_a_repository() -> None:
    sizes = {f"{path.parent.name}-{path.stem}": path.stat().st_size for path in FILES}
    assert sum(sizes.values()) < 25_000_000
    large = {name for name, size in sizes.items() if size > 500_000}
    # A larger network; and as many learned rates as parameters.
    methods = ("resnet", "meta_sgd")
    assert large <= {f"{split}-{method}" for split in ("alphabets", "paper") for method in methods}


@pytest.mark.slow
def test_maml_reaches_97_percent_and_is_ahead_at_the_first_step(
    real_omniglot: CharacterSet,
) -> None:
    pool = make_pool(real_omniglot, split_classes(real_omniglot, "alphabets", "test"))

    def measured(method: str) -> Estimate:
        spec = EpisodeSpec(5, 1, 10)
        *_, last = evaluate(
            shipped(method), pool, spec, EvaluationConfig(inner_steps=5, episodes=600, seed=0)
        )
        return last

    maml, pretrained = measured("maml"), measured("pretrained")
    assert maml.accuracy[0] == pytest.approx(1 / 5)
    assert max(maml.accuracy) >= 0.97
    assert maml.accuracy[1] - maml.ci95[1] > pretrained.accuracy[1] + pretrained.ci95[1]


def test_the_recorded_training_ends_in_the_shipped_weights(assert_same) -> None:
    path = ASSETS / "recordings" / "maml.safetensors"
    assert path.stat().st_size < 8_000_000
    points, about = load_recording(path)
    shipped_maml = load_weights(WEIGHTS / "alphabets" / "maml.safetensors")
    assert about["commit"] == shipped_maml.metadata["commit"]
    assert 15 <= len(points) <= 25
    assert min(points) == 0
    assert max(points) == shipped_maml.metadata["updates"]
    assert_same(points[max(points)], shipped_maml.params, rtol=1e-3, atol=1e-7)
    begun = load_weights(WEIGHTS / "alphabets" / "pretrained.safetensors").params
    assert_same(points[0], begun, rtol=1e-3, atol=1e-7)
