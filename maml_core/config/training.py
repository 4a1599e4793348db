"""Training of each kind, as frozen records that check themselves.

Symbols of Finn et al. 2017 (arXiv:1703.03400): α is `inner_lr`, β is `meta_lr`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from maml_core.config.checks import SettingError, check_choice, check_positive, check_range
from maml_core.config.episodes import AdaptConfig, EpisodeSpec
from maml_core.config.ranges import (
    MAX_INNER_STEPS,
    MAX_PROXIMAL,
    MAX_SEED,
    MAX_WAY,
    MIN_PROXIMAL,
)


@dataclass(frozen=True)
class Demands:
    """What a meta-training method asks of its settings, and which of them suit it.

    Attributes:
        called: What messages call it.
        inner_steps: The fewest and the most it can use.
        why: What to say of another number of them.
        query_gradient: Whether it differentiates the query loss through the inner loop, as a
            multi-step loss and learned step sizes need.
        second_order: Whether its gradient passes through the gradients of the inner loop.
        built_in: Settings that are part of the method itself.
        unused: Settings that play no part in it, so that nobody should be asked for them.
        suits: α and inner steps with which it visibly learns; where someone chooses no others.
        head_rows: Likewise of its head; one of zeros serves any N.
    """

    called: str
    inner_steps: tuple[int, int] = (1, MAX_INNER_STEPS)
    why: str = ""
    query_gradient: bool = True
    second_order: bool = True
    built_in: tuple[str, ...] = ()
    unused: tuple[str, ...] = ("proximal",)
    suits: tuple[float, int] = (0.4, 1)
    head_rows: int = 1


def _solving(called: str) -> Demands:
    """Return the demands of a method that solves for the head."""
    why = f"{called} solves for the head without a step: take 0"
    return Demands(
        called,
        (0, 0),
        why,
        query_gradient=False,
        second_order=False,
        unused=("inner_lr", "scale_inner_lr", "proximal", "head_rows"),
        suits=(0.4, 0),
    )


META_METHODS: Mapping[str, Demands] = {
    "maml": Demands("MAML"),
    "fomaml": Demands("First-order MAML", second_order=False, suits=(0.05, 3)),
    "anil": Demands("ANIL"),
    # It learns from θ − θ′ alone: without a query loss to sum, without a gradient on a step size,
    # and in one step nothing, since from a head of zeros that step moves the head alone.
    "reptile": Demands(
        "Reptile",
        (2, MAX_INNER_STEPS),
        "Reptile needs at least 2 to learn to adapt",
        query_gradient=False,
        second_order=False,
        suits=(0.05, 5),
    ),
    # Its one head is of all tasks, and its α is that of adapting afterwards.
    "multi_task": Demands(
        "Multi-task training",
        (0, 0),
        "multi-task training adapts to no task: take 0",
        query_gradient=False,
        second_order=False,
        suits=(0.05, 0),
        head_rows=MAX_WAY,
    ),
    # Its head is of random rows of its own.
    "boil": Demands("BOIL", unused=("proximal", "head_rows")),
    # Its gradient is of the inner loop's end: no other step counts, and no rate is learned by it.
    "imaml": Demands("iMAML", query_gradient=False, second_order=False, unused=(), suits=(0.05, 5)),
    "meta_sgd": Demands("Meta-SGD", built_in=("learn_inner_lr",)),
    "maml_plus_plus": Demands("MAML++", built_in=("learn_inner_lr", "multi_step"), suits=(0.1, 3)),
    "protonet": _solving("ProtoNet"),
    "r2d2": _solving("R2D2"),
}
"""The methods that `TrainConfig` knows; `methods.catalogue` says what each one is."""


@dataclass(frozen=True)
class TrainConfig:
    """How meta-training runs (Finn et al. 2017, Algorithm 2).

    Attributes:
        method: One of `META_METHODS`.
        n_ways: Each update draws its N from these, in turn.
        k_shots: Likewise its K.
        q_query: Query pictures a class; the paper takes K.
        inner_lr: α > 0, at the first of `n_ways`.
        scale_inner_lr: Take α in proportion to N: the mean over N classes divides the gradient
            of each head row by N, so that a row then moves equally far at every N.
        inner_steps: K of the inner loop, 1 to 100; 0 for methods that have none.
        meta_lr: β > 0, Adam's step size at the start.
        muon_lr: Muon's, 0 to 1, for the filters of convolutions, see `outer_loop.optimise`; 0:
            Adam moves them, too.
        meta_batch_size: Tasks an update.
        meta_steps: Updates in all; β falls to 0 over them along a cosine
            (Antoniou et al. 2019, arXiv:1810.09502, section 4).
        multi_step: Let the query loss after every inner step count, the earlier ones less and
            less (the same).
        learn_inner_lr: Learn a factor on α for each parameter tensor (after the same).
        first_order_steps: For so many updates take the inner gradients as constants, from then on
            not (the same): derivative-order annealing.
        proximal: λ of iMAML's inner loop, 0.01 to 100, which descends L + λ/2 |φ − θ|²; the
            paper's is 2.
        transductive: Normalise the queries with their own statistics, not the support set's.
        alternate_within_alphabet: Sample every other meta-batch within alphabets and by the same
            drawers.
        augment: Deform each picture by a small random affine map.
        seed: Chooses the episodes and, from scratch, the initialisation; 0 to 2³² − 1.

    Raises:
        ValueError: A value out of its range, or one that the method has no use for.
    """

    method: str = "maml"
    n_ways: tuple[int, ...] = (5,)
    k_shots: tuple[int, ...] = (1,)
    q_query: int = 5
    inner_lr: float = 0.4
    scale_inner_lr: bool = False
    inner_steps: int = 1
    meta_lr: float = 1e-3
    muon_lr: float = 0.0
    meta_batch_size: int = 32
    meta_steps: int = 60_000
    multi_step: bool = False
    learn_inner_lr: bool = False
    first_order_steps: int = 0
    proximal: float = 2.0
    transductive: bool = True
    alternate_within_alphabet: bool = False
    augment: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        check_choice("method", self.method, META_METHODS)
        for name in ("n_ways", "k_shots"):
            if not getattr(self, name):
                raise SettingError(f"{{{name}}} is empty; give it at least one value.")
        _ = self.specs  # N, K and the queries are checked where an `EpisodeSpec` is made
        self._check_inner_loop()
        check_range("muon_lr", self.muon_lr, 0, 1)
        check_range("meta_batch_size", self.meta_batch_size, 1, 1_000)
        check_range("meta_steps", self.meta_steps, 1, 10_000_000)
        check_range("first_order_steps", self.first_order_steps, 0, self.meta_steps)
        check_positive("meta_lr", self.meta_lr)
        check_range("proximal", self.proximal, MIN_PROXIMAL, MAX_PROXIMAL)
        check_range("seed", self.seed, 0, MAX_SEED)

    def _check_inner_loop(self) -> None:
        demands = META_METHODS[self.method]
        fewest, most = demands.inner_steps
        misfit = 0 <= self.inner_steps < fewest or most < self.inner_steps <= MAX_INNER_STEPS
        if misfit and demands.why:
            raise SettingError(
                "{inner_steps} is {value}; {why}.", value=self.inner_steps, why=demands.why
            )
        check_range("inner_steps", self.inner_steps, fewest, most)
        AdaptConfig(self.inner_lr, self.inner_steps)
        for name in ("multi_step", "learn_inner_lr"):
            if getattr(self, name) and name in demands.built_in:
                raise SettingError(
                    f"{{label}} has {{{name}}} in a way of its own; leave it out.",
                    label=demands.called,
                )
            if getattr(self, name) and not demands.query_gradient:
                raise SettingError(
                    f"{{label}} has no {{{name}}}; leave it out or choose another {{method}}.",
                    label=demands.called,
                )
        if self.first_order_steps and not demands.second_order:
            raise SettingError(
                "{first_order_steps} is {value}, and {label} has no derivative of second order to "
                "anneal: take 0.",
                value=self.first_order_steps,
                label=demands.called,
            )

    @property
    def is_first_order(self) -> bool:
        """Whether the inner gradients are constants from the first to the last update."""
        return self.first_order_steps == self.meta_steps

    def inner_lr_at(self, n_way: int) -> float:
        """Return α for N-way tasks."""
        return self.inner_lr * (n_way / self.n_ways[0] if self.scale_inner_lr else 1)

    @property
    def specs(self) -> list[EpisodeSpec]:
        """Every shape of episode it trains on."""
        return [
            EpisodeSpec(n, k, self.q_query, hard, hard)
            for n in self.n_ways
            for k in self.k_shots
            for hard in ((False, True) if self.alternate_within_alphabet else (False,))
        ]


def suited_config(method: str) -> TrainConfig:
    """Return the settings of a training for which nothing but its method is chosen."""
    inner_lr, inner_steps = META_METHODS[method].suits
    return TrainConfig(method, inner_lr=inner_lr, inner_steps=inner_steps)


@dataclass(frozen=True)
class PretrainConfig:
    """How the classifier over all training characters is trained.

    Attributes:
        epochs: Passes over all pictures of all classes.
        batch_size: Pictures an update.
        lr: AdamW's step size at the start; it falls to 0 along a cosine.
        weight_decay: AdamW's.
        muon_lr: Muon's, as in `TrainConfig`.
        label_smoothing: Share of the target spread over all classes, 0 to below 1.
        augment: Deform each picture by a small random affine map.
        elastic: Deform each also by small smooth shifts of its parts.
        mirror: Learn each class seen in a mirror as one more class.
        spliced_per_class: For each class learn so many more, each made of parts of two, 0 to 10.
        ink_crops: Train on the ink crop of every other picture.
        bfloat16: Convolve in this short format, the parameters staying float32: in less time on a
            processor that has instructions for it.
        seed: Chooses the order and the initialisation; 0 to 2³² − 1.
    """

    epochs: int = 16
    batch_size: int = 128
    lr: float = 2e-3
    weight_decay: float = 0.0
    muon_lr: float = 0.0
    label_smoothing: float = 0.0
    augment: bool = True
    elastic: bool = False
    mirror: bool = False
    spliced_per_class: int = 0
    ink_crops: bool = False
    bfloat16: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        check_range("epochs", self.epochs, 1, 10_000)
        check_range("batch_size", self.batch_size, 2, 100_000)
        check_range("weight_decay", self.weight_decay, 0, 1)
        check_range("muon_lr", self.muon_lr, 0, 1)
        check_range("spliced_per_class", self.spliced_per_class, 0, 10)
        check_range("label_smoothing", self.label_smoothing, 0, 0.99)
        check_positive("lr", self.lr)
        check_range("seed", self.seed, 0, MAX_SEED)


@dataclass(frozen=True)
class SinusoidConfig:
    """How the networks for sinusoids are trained (Finn et al. 2017, section 5.1).

    K, α and the tasks an update are the paper's. It makes 70,000 updates with β = 0.001; the
    defaults here reach an initialisation that adapts well in a quarter of a minute.

    Attributes:
        k_shot: Support points a task, 1 to 100.
        q_query: Query points a task, 1 to 100.
        inner_lr: α > 0.
        inner_steps: Of MAML in training, 1 to 100.
        meta_lr: β > 0, Adam's step size at the start; it falls to 0 along a cosine.
        meta_batch_size: Tasks an update.
        meta_steps: Updates in all.
        seed: Chooses the tasks and the initialisation, 0 to 999,999.
    """

    k_shot: int = 10
    q_query: int = 10
    inner_lr: float = 0.01
    inner_steps: int = 1
    meta_lr: float = 0.01
    meta_batch_size: int = 25
    meta_steps: int = 1_000
    seed: int = 0

    def __post_init__(self) -> None:
        check_range("k_shot", self.k_shot, 1, 100)
        check_range("q_query", self.q_query, 1, 100)
        AdaptConfig(self.inner_lr, self.inner_steps)
        check_range("inner_steps", self.inner_steps, 1, MAX_INNER_STEPS)
        check_positive("meta_lr", self.meta_lr)
        check_range("meta_batch_size", self.meta_batch_size, 1, 1_000)
        check_range("meta_steps", self.meta_steps, 1, 10_000_000)
        check_range("seed", self.seed, 0, 999_999)
