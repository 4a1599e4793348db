"""Choose the inner step size α on validation classes."""

from __future__ import annotations

from collections.abc import Iterable

from tqdm import tqdm

from maml_core.config import EpisodeSpec, EvaluationConfig
from maml_core.episodes.pool import TaskPool
from maml_core.evaluation.accuracy import evaluate
from maml_core.learners.learner import Learner
from maml_core.networks.registry import check_pictures
from maml_core.optimisation.distributed import is_first
from maml_core.training.training_run import VALIDATION_QUERY


def choose_inner_lr(
    learner: Learner,
    pool: TaskPool,
    spec: EpisodeSpec,
    candidates: Iterable[float],
    *,
    inner_steps: int,
    episodes: int,
    seed: int,
) -> float:
    """Return the candidate α with the best accuracy, the mean over all steps but step 0.

    Hand it a pool of validation classes; the test classes choose nothing.
    """

    def score(rate: float) -> float:
        *_, last = evaluate(
            learner,
            pool,
            spec,
            EvaluationConfig(inner_steps=inner_steps, episodes=episodes, seed=seed, inner_lr=rate),
        )
        return sum(last.accuracy[1:]) / inner_steps

    return max(candidates, key=score)


# The baseline's α is chosen among these on validation classes.
INNER_LR_CANDIDATES = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
# By N, on how many episodes: of many ways each takes longer and its accuracy varies less.
INNER_LR_EPISODES = {2: 100, 5: 100, 10: 50, 20: 50}
INNER_LR_STEPS = 10


def best_inner_lrs(learner: Learner, validation: TaskPool) -> dict[str, float]:
    """Return by N the candidate α that is best over ten steps of 1-shot validation episodes.

    All candidates meet the same episodes, of five query pictures a class and fewer where N is
    large, so that it takes minutes. N for which there are too few classes are left out. A bar
    shows the candidates tried.
    """
    check_pictures(learner.model, validation.data.input_shape)
    return {
        str(n_way): choose_inner_lr(
            learner,
            validation,
            EpisodeSpec(n_way, 1, VALIDATION_QUERY),
            tqdm(
                INNER_LR_CANDIDATES,
                f"α for {n_way}-way",
                unit="candidate",
                disable=not is_first() or None,
            ),
            inner_steps=INNER_LR_STEPS,
            episodes=episodes,
            seed=0,
        )
        for n_way, episodes in INNER_LR_EPISODES.items()
        if n_way <= len(validation.classes)
    }
