"""Episodes, adaptation and evaluation, as frozen records that check themselves.

Symbols of Finn et al. 2017 (arXiv:1703.03400): α is `inner_lr`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from maml_core.config.checks import SettingError, check_positive, check_range
from maml_core.config.ranges import (
    MAX_INNER_STEPS,
    MAX_QUERY,
    MAX_SEED,
    MAX_SHOT,
    MAX_WAY,
    MIN_SHOT,
    MIN_WAY,
)


@dataclass(frozen=True)
class EpisodeSpec:
    """The shape of an N-way K-shot episode.

    Attributes:
        n_way: Classes in an episode, 2 to 20.
        k_shot: Support pictures per class, 1 to 10.
        q_query: Query pictures per class, 1 to 19.
        within_alphabet: Sample all classes of an episode from one alphabet.
        same_drawers: Take the pictures of all classes from the same drawers: the first of every
            class is by one drawer, and so on, as in Omniglot's one-shot challenge (Lake et al.
            2015).
        official: Take the challenge's fixed runs instead, see `episodes.official_runs`. They are
            20-way 1-shot with one query per class, within an alphabet and by the same drawers.
    """

    n_way: int = 5
    k_shot: int = 1
    q_query: int = 15
    within_alphabet: bool = False
    same_drawers: bool = False
    official: bool = False

    def __post_init__(self) -> None:
        check_range("n_way", self.n_way, MIN_WAY, MAX_WAY)
        check_range("k_shot", self.k_shot, MIN_SHOT, MAX_SHOT)
        check_range("q_query", self.q_query, 1, MAX_QUERY)
        if self.official and replace(self, official=False) != CHALLENGE:
            raise ValueError(
                "The official runs are 20-way 1-shot with one query a class, within an alphabet by "
                f"the same drawers; {self} asks for others: take OFFICIAL_RUNS as it is."
            )


# Omniglot's one-shot challenge (Lake et al. 2015): 20 characters of one alphabet, support by one
# drawer and queries by another; sampled at random, or the 20 runs that its authors fixed.
CHALLENGE = EpisodeSpec(20, 1, 1, within_alphabet=True, same_drawers=True)
OFFICIAL_RUNS = replace(CHALLENGE, official=True)


@dataclass(frozen=True)
class AdaptConfig:
    """How the inner loop runs (Finn et al. 2017, Algorithm 1, lines 5 and 6).

    Attributes:
        inner_lr: α, the step size of the inner gradient descent, > 0.
        inner_steps: Gradient steps on the support set, 0 to 100.
    """

    inner_lr: float = 0.4
    inner_steps: int = 5

    def __post_init__(self) -> None:
        check_positive("inner_lr", self.inner_lr)
        check_range("inner_steps", self.inner_steps, 0, MAX_INNER_STEPS)


@dataclass(frozen=True)
class EvaluationConfig:
    """How methods are evaluated over many episodes.

    Attributes:
        inner_steps: Gradient steps on each support set, 0 to 100.
        episodes: Their number, at least 1.
        seed: Chooses their sequence, the same for every method; 0 to 2³² − 1.
        inner_lr: α > 0; None: the learner's own for this N.
        lr_factor: Multiplies that α, > 0.
        transductive: How queries are normalised, see `functional.query_logits`.
        rotation_tta: Average the logits over the views at four quarter turns, see
            `Episode.views`.
    """

    inner_steps: int = 5
    episodes: int = 600
    seed: int = 0
    inner_lr: float | None = None
    lr_factor: float = 1.0
    transductive: bool = True
    rotation_tta: bool = False

    def __post_init__(self) -> None:
        check_range("inner_steps", self.inner_steps, 0, MAX_INNER_STEPS)
        if self.episodes < 1:
            raise SettingError("{episodes} is {value}; choose at least 1.", value=self.episodes)
        check_range("seed", self.seed, 0, MAX_SEED)
        for name in ("inner_lr", "lr_factor"):
            value = getattr(self, name)
            if value is not None:
                check_positive(name, value)
