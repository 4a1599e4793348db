"""What each method is called, does and comes from: one record a method, without torch.

A further method is a file of its own here, a record below and, if it is meta-trained, its demands
in `config.META_METHODS` and its gradient in `registry.META_GRADIENTS`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

Group = Literal["Initialisations", "Learned updates", "Metric and closed form", "References"]
GROUPS: tuple[Group, ...] = get_args(Group)  # in the order in which lists have them


@dataclass(frozen=True)
class Method:
    """One method of few-shot learning.

    Attributes:
        name: Its name in code, files and on the command line.
        label: What the app calls it.
        summary: What it does, one sentence.
        paper: Where it comes from; empty where no paper is needed.
        adapts: What the inner loop moves: the network, its head or its body alone; or it takes no
            step: "solved head" solves for the head, "nothing" has none to adapt.
        is_proximal: Whether the inner loop is held near θ, by a λ that training was given.
        short_label: What the app calls it where there is little room, and in all links; the label
            unless given.
        features_of: Of a nearest neighbour, whose weights give the features; None for pixels.
        in_sentences: What a sentence calls it; the short label unless given.
        former_names: Names that older files and commands call it by.
        former_labels: What older links call it.
        group: Under which heading lists have it.
    """

    name: str
    label: str
    summary: str
    paper: str = ""
    adapts: Literal["network", "head", "body", "solved head", "nothing"] = "network"
    is_proximal: bool = False
    short_label: str = ""
    features_of: str | None = None
    in_sentences: str = ""
    former_names: tuple[str, ...] = ()
    former_labels: tuple[str, ...] = ()
    group: Group = field(kw_only=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "short_label", self.short_label or self.label)
        object.__setattr__(self, "in_sentences", self.in_sentences or self.short_label)


ALL = (
    Method(
        "maml",
        "MAML",
        "Learns the initialisation from which a few inner steps lead lowest.",
        "Finn et al. 2017, arXiv:1703.03400",
        group="Initialisations",
    ),
    Method(
        "pretrained",
        "Pretrained",
        "A classifier of all training characters, fine-tuned as a whole.",
        "Dhillon et al. 2020, arXiv:1909.02729",
        in_sentences="pretraining",
        group="Initialisations",
    ),
    Method(
        "random",
        "Random initialisation",
        "An untrained network, which shows what the inner loop learns by itself.",
        in_sentences="the random initialisation",
        former_labels=("Random start",),
        group="Initialisations",
    ),
    Method(
        "fomaml",
        "First-order MAML",
        "MAML with the inner gradients taken as constants.",
        "Finn et al. 2017, arXiv:1703.03400, section 5.2",
        in_sentences="first-order MAML",
        group="Initialisations",
    ),
    Method(
        "anil",
        "ANIL",
        "MAML whose inner loop moves the head alone.",
        "Raghu et al. 2020, arXiv:1909.09157",
        adapts="head",
        group="Initialisations",
    ),
    Method(
        "reptile",
        "Reptile",
        "Moves the initialisation towards the adapted parameters.",
        "Nichol et al. 2018, arXiv:1803.02999",
        group="Initialisations",
    ),
    Method(
        "multi_task",
        "Multi-task training",
        "One set of parameters for all tasks at once, without an inner loop in training.",
        "Caruana 1997, Multitask Learning",
        in_sentences="multi-task training",
        former_names=("joint",),
        former_labels=("Joint pretraining",),
        group="Initialisations",
    ),
    Method(
        "imaml",
        "iMAML",
        "MAML's gradient from the end of the inner loop alone, which is held near the start.",
        "Rajeswaran et al. 2019, arXiv:1909.04630",
        is_proximal=True,
        group="Initialisations",
    ),
    Method(
        "boil",
        "BOIL",
        "MAML whose inner loop moves the body alone: the head stays.",
        "Oh et al. 2021, arXiv:2008.08882",
        adapts="body",
        group="Initialisations",
    ),
    Method(
        "meta_sgd",
        "Meta-SGD",
        "MAML with a learned rate for each parameter.",
        "Li et al. 2017, arXiv:1707.09835",
        group="Learned updates",
    ),
    Method(
        "maml_plus_plus",
        "MAML++",
        "MAML with rates, gains and shifts for each step, and every step's loss in the objective.",
        "Antoniou et al. 2019, arXiv:1810.09502",
        group="Learned updates",
    ),
    Method(
        "protonet",
        "ProtoNet",
        "A query takes the label of the nearest mean of a class's features; no step is taken.",
        "Snell et al. 2017, arXiv:1703.05175",
        adapts="solved head",
        group="Metric and closed form",
    ),
    Method(
        "r2d2",
        "R2D2",
        "The head is solved for by ridge regression on features learned for it; no step is taken.",
        "Bertinetto et al. 2019, arXiv:1805.08136",
        adapts="solved head",
        former_labels=("Ridge regression (R2D2)",),
        group="Metric and closed form",
    ),
    Method(
        "nearest-features",
        "1-nearest neighbour (cosine) on pretrained features",
        "A query takes the label of the support picture with the most similar features.",
        "Wang et al. 2019, arXiv:1911.04623",
        adapts="nothing",
        short_label="1-NN on features",
        features_of="pretrained",
        former_labels=("Nearest by features",),
        group="References",
    ),
    Method(
        "nearest-resnet",
        "1-nearest neighbour (cosine) on ResNet features",
        "The same on the features of a larger pretrained network.",
        "Wang et al. 2019, arXiv:1911.04623",
        adapts="nothing",
        short_label="1-NN on ResNet features",
        features_of="resnet",
        former_labels=("Nearest by ResNet",),
        group="References",
    ),
    Method(
        "nearest-pixels",
        "1-nearest neighbour on pixels",
        "A query takes the label of the support picture with the smallest Euclidean distance.",
        "Cover & Hart 1967",
        adapts="nothing",
        short_label="1-NN on pixels",
        former_labels=("Nearest by pixels",),
        group="References",
    ),
)
BY_NAME = {method.name: method for method in ALL}
TAKES_NO_STEP = tuple(method.name for method in ALL if method.adapts == "solved head")
METHODS = tuple(method.name for method in ALL if method.adapts != "nothing")
NEAREST = {method.name: method.features_of for method in ALL if method.adapts == "nothing"}
"""References that adapt nothing, and the weights whose features they compare; None: pixels."""


def weights_of(name: str) -> str | None:
    """Return whose weights a method answers with, its own or those in `NEAREST`; None: pixels."""
    return NEAREST.get(name, name)


FORMER_NAMES = {former: method.name for method in ALL for former in method.former_names}
FORMER_LABELS = {
    other: method.short_label
    for method in ALL
    for other in (method.label, *method.former_labels)
    if other != method.short_label
}
"""What a link calls a method, by whatever else one may call it."""


def current_name(name: str) -> str:
    """Return a method's name today; any other name is returned as it is."""
    return FORMER_NAMES.get(name, name)


def moving_of(name: str) -> Literal["network", "head", "body"]:
    """Return what a method's inner loop moves; that of unknown methods moves the network."""
    adapts = BY_NAME[name].adapts if name in BY_NAME else "network"
    return adapts if adapts == "head" or adapts == "body" else "network"
