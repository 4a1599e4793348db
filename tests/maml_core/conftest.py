"""Small characters, a narrow network, and a Conv4 written with torch's own functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from maml_core.config import EpisodeSpec
from maml_core.data.character_set import CharacterSet, ClassName
from maml_core.episodes.pool import TaskPool, make_pool
from maml_core.episodes.sampling import sample_tasks
from maml_core.episodes.task_batch import TaskBatch
from maml_core.evaluation.trajectory import measure_trajectory
from maml_core.learners.learner import Learner
from maml_core.methods.inner_loop import adapt
from maml_core.networks.conv4 import Conv4
from maml_core.networks.functional import initial_params
from maml_core.networks.params import Params
from maml_core.training import inner_lr_search, recipes, training_run
from maml_core.training.training_run import TrainingRun


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """One torch thread: on batches this small a second costs more than it brings."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def make_characters() -> Callable[..., CharacterSet]:
    """A function that makes characters of random pixels, no two pictures alike."""

    def make(alphabet_sizes, n_drawers=20, seed=0, likeness=0.0, n_evaluation=1):
        """`likeness` 0: the pictures of a class are unrelated; 1: they are all the same."""
        rng = np.random.default_rng(seed)
        names = [f"Alphabet {number}" for number in range(len(alphabet_sizes))]
        classes = tuple(
            ClassName(name, f"character {number}")
            for name, size in zip(names, alphabet_sizes, strict=True)
            for number in range(size)
        )
        shape = (len(classes), n_drawers, 28, 28)
        templates = rng.random((len(classes), 1, 7, 7)).repeat(4, -1).repeat(4, -2) < 0.4
        mixed = likeness * templates + (1 - likeness) * rng.random(shape)
        inputs = (255 * mixed).astype(np.uint8).reshape(-1, 28, 28)
        return CharacterSet(
            name="tiny",
            classes=classes,
            starts=np.arange(len(classes) + 1) * n_drawers,
            drawers=np.tile(np.arange(1, n_drawers + 1), len(classes)),
            inputs=inputs,
            bits=np.packbits(inputs > 127, axis=-1),
            side=28,
            evaluation_alphabets=tuple(names[len(names) - n_evaluation :]),
        )

    return make


@pytest.fixture(scope="session")
def characters(make_characters) -> CharacterSet:
    """38 characters of 20 drawers in six alphabets of 5 to 8."""
    return make_characters((5, 6, 7, 8, 6, 6))


@pytest.fixture(scope="session")
def pool(characters) -> TaskPool:
    """All characters, upright."""
    return make_pool(characters, list(range(len(characters.classes))))


@pytest.fixture(scope="session")
def easy_pool(make_characters) -> TaskPool:
    """Twelve characters whose pictures are mostly their class's template."""
    return make_pool(make_characters((6, 6), likeness=0.6, seed=3), list(range(12)))


@pytest.fixture(scope="session")
def model() -> Conv4:
    """A Conv4 of four channels."""
    return Conv4(channels=4)


@pytest.fixture(scope="session")
def random_params() -> Callable[..., Params]:
    """A function that draws float64 parameters of a network, none of them at a special value."""

    def draw(model, rows=1, seed=0) -> Params:
        generator = torch.Generator().manual_seed(seed)
        start = initial_params(model, seed)
        params = {
            name: value.double()
            + 0.2 * torch.randn(value.shape, generator=generator, dtype=torch.float64)
            for name, value in start.items()
        }
        width = params["head.weight"].shape[1]
        for name, shape in {"head.weight": (rows, width), "head.bias": (rows,)}.items():
            params[name] = torch.randn(shape, generator=generator, dtype=torch.float64)
        return params

    return draw


@pytest.fixture(scope="session")
def exact_tasks(pool) -> Callable[..., TaskBatch]:
    """A function that samples a meta-batch in float64."""

    def sample(n_way=3, k_shot=1, q_query=2, n_tasks=3, seed=0) -> TaskBatch:
        generator = torch.Generator().manual_seed(seed)
        tasks = sample_tasks(pool, EpisodeSpec(n_way, k_shot, q_query), n_tasks, generator)
        return TaskBatch(
            tasks.support_x.double(), tasks.support_y, tasks.query_x.double(), tasks.query_y
        )

    return sample


@pytest.fixture(scope="session")
def plain_conv4() -> Callable[[Params, torch.Tensor], torch.Tensor]:
    """Conv4 with strides on torch's own convolution and batch normalisation, one task at a time.

    With `reference` the first so many pictures leave their statistics to all, by hand: torch's
    takes given ones as constants.
    """

    def run(params, x, reference=None):
        for i in range(4):
            block = f"blocks.{i}."
            x = F.conv2d(x, params[block + "conv.weight"], params[block + "conv.bias"], 2, 1)
            gain, shift = params[block + "gain"], params[block + "shift"]
            if reference is None:
                x = F.relu(F.batch_norm(x, None, None, gain, shift, training=True))
            else:
                how = {"dim": (0, 2, 3), "correction": 0, "keepdim": True}
                variance, mean = torch.var_mean(x[:reference], **how)
                own = (x - mean) / (variance + 1e-5).sqrt()  # 1e-5: torch's default
                x = F.relu(own * gain[:, None, None] + shift[:, None, None])
        return F.linear(x.mean((2, 3)), params["head.weight"], params["head.bias"])

    return run


@pytest.fixture
def untouched_global_rng():
    """Fail if the test moves torch's or numpy's global random generator."""
    # The legacy numpy state is read to see that nobody uses it.
    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    yield
    assert torch.equal(torch.get_rng_state(), before)
    assert np.array_equal(np.random.get_state()[1], numpy_before)  # noqa: NPY002


@pytest.fixture
def assert_same() -> Callable[..., None]:
    """A function that compares two parameter sets name by name."""

    def compare(found, expected, rtol=0.0, atol=0.0):
        assert found.keys() == expected.keys()
        for name in found:
            torch.testing.assert_close(
                found[name], expected[name], rtol=rtol, atol=atol, msg=lambda m, n=name: f"{n}: {m}"
            )

    return compare


@pytest.fixture(scope="session")
def trajectory_of():
    """A function that adapts and measures every point, one after the other."""

    def run(model, params, task, **options):
        points = adapt(model, params, task.support_x, task.support_y, **options)
        learner = Learner("random", model, params, {len(params["head.bias"]): options["inner_lr"]})
        return replace(
            measure_trajectory(learner, options["inner_lr"], points, task), params=tuple(points)
        )

    return run


@pytest.fixture
def few_characters(make_characters, monkeypatch):
    """Forty characters, cut by 'paper' into 27, 2 and 11, and only a few validation episodes."""
    data = make_characters((10, 10, 10, 10), likeness=0.5)
    monkeypatch.setattr(training_run, "load", lambda name: replace(data, name=name))
    monkeypatch.setattr(recipes, "VALIDATION_EPISODES", 4)
    monkeypatch.setattr(inner_lr_search, "INNER_LR_EPISODES", {2: 4})
    monkeypatch.setattr(inner_lr_search, "INNER_LR_CANDIDATES", (1e-3, 0.2))
    monkeypatch.setattr(inner_lr_search, "INNER_LR_STEPS", 3)
    return data


@pytest.fixture
def run(tmp_path):
    """Where a run writes to; it never validates."""
    return TrainingRun(tmp_path / "weights", split="paper", command="python -m maml_core train …")
