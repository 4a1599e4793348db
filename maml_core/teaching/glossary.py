"""The words of the app and the docs, one table for both.

`docs/glossary.md` is what `as_markdown` returns; after a change here write it anew with

    python -m maml_core.teaching.glossary > docs/glossary.md
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Term:
    """A word and what it means.

    Attributes:
        name: The word, or words that are explained together.
        meaning: In a line; the paper it comes from in brackets.
        see: The document that says more, with an anchor where it has one.
    """

    name: str
    meaning: str
    see: str = ""


SYMBOLS = (
    Term("θ", "the parameters from which adaptation starts: the initialisation"),
    Term(
        "θ′",
        "the parameters after the inner steps on one task; θ₀ = θ, θ₁, …, θ_K are the points on "
        "the way",
    ),
    Term("α", "inner learning rate: the step size of gradient descent on the support set"),
    Term("β", "meta learning rate: the step size of the outer loop"),
    Term(
        "λ₁",
        "largest eigenvalue of the Hessian H of the support loss at θ; gradient descent on a "
        "quadratic is stable for α < 2/λ₁",
    ),
)
TERMS = (
    Term(
        "adaptation trajectory",
        "θ₀ … θ_K of one adaptation, with loss, accuracy and predictions at each point",
    ),
    Term("ANIL", "MAML whose inner loop adapts the head only (Raghu et al. 2020)"),
    Term(
        "body, head",
        "all layers but the last; the last, linear layer, which gives one logit a class",
    ),
    Term("BOIL", "MAML whose inner loop adapts the body only (Oh et al. 2021)"),
    Term("chance", "1/N, the accuracy of guessing"),
    Term(
        "confidence interval",
        "*mean ± x* over n episodes: about 95 % of such intervals contain the mean over infinitely "
        "many episodes; short: CI",
        "results.md",
    ),
    Term(
        "Conv4",
        "four blocks of 3 × 3 convolution with 64 filters, batch normalisation and ReLU, then a "
        "linear head",
    ),
    Term("drawer", "the person who drew a picture (Omniglot's word)"),
    Term("episode", "a task with a support set and a query set"),
    Term(
        "false acceptance, false rejection",
        "in open-set rejection: a query of no class is accepted; a query of a class is rejected",
    ),
    Term(
        "first-order MAML",
        "MAML that takes ∂θ′/∂θ as the identity, so that no second derivatives are needed",
    ),
    Term(
        "iMAML",
        "MAML whose gradient is that of the inner loop's end alone, which a spring holds near θ "
        "(Rajeswaran et al. 2019)",
    ),
    Term("imprinting", "setting a class's head weights to the mean of its normalised features"),
    Term("ink crop", "the square around a character's ink, enlarged; a second view of a picture"),
    Term(
        "inner loop, inner step",
        "gradient descent on the support set, from θ to θ′ (Algorithm 1, lines 5 and 6); one step "
        "of it",
    ),
    Term("inner-LR multipliers", "learned factors on α, one for each parameter tensor"),
    Term(
        "MAML",
        "model-agnostic meta-learning: learns the θ from which a few inner steps on a few examples "
        "lead to a good solution (Finn et al. 2017)",
    ),
    Term(
        "MAML++",
        "MAML with learned rates, gains and shifts for each inner step, every step's query loss in "
        "its objective, and first-order gradients at first (Antoniou et al. 2019)",
    ),
    Term("meta-batch", "the tasks of one outer update"),
    Term("meta-gradient", "the gradient of the query loss at θ′ with respect to θ"),
    Term(
        "meta-learning",
        "learning to learn: training on many tasks, so that a new one is learned from few examples",
    ),
    Term("Meta-SGD", "MAML that learns a rate for each parameter, too (Li et al. 2017)"),
    Term(
        "multi-step loss",
        "the weighted sum of the query losses after every inner step (Antoniou et al. 2019)",
    ),
    Term("multi-task training", "one θ trained on all tasks at once, without an inner loop"),
    Term("N-way K-shot", "N classes to tell apart, K labelled examples of each"),
    Term(
        "nats",
        "the unit of a cross-entropy loss with natural logarithms: −ln of the probability given to "
        "the right class; guessing among N classes costs ln N",
    ),
    Term(
        "1-nearest neighbour (cosine) on … features",
        "a query takes the label of the support picture whose features have the highest cosine "
        "similarity to its own; nothing adapts",
    ),
    Term(
        "normalised together, each alone",
        "each layer takes mean and variance from all queries of the episode at once; or from the "
        "support set, so that each query is classified by itself: see transductive, inductive",
    ),
    Term("official runs", "the 20 fixed episodes of Omniglot's own challenge (Lake et al. 2015)"),
    Term(
        "open-set rejection",
        "answering *none of these* to a query whose maximum cosine similarity to the classes is "
        "below a threshold",
    ),
    Term("outer loop", "the updates of θ by the meta-gradient (Algorithm 1, line 8)"),
    Term(
        "pretrained",
        "an ordinary classifier of all training characters, whose body is then fine-tuned as a "
        "whole",
    ),
    Term(
        "ProtoNet",
        "a query takes the label of the nearest prototype, the mean of a class's features; no "
        "inner step (Snell et al. 2017)",
    ),
    Term(
        "R2D2",
        "ridge regression on learned features, solved for in closed form; no inner step "
        "(Bertinetto et al. 2019)",
    ),
    Term("random initialisation", "the untrained network"),
    Term(
        "Reptile",
        "moves θ towards θ′ (Nichol et al. 2018); here a variant, with SGD in the inner loop and a "
        "head that starts at zero",
    ),
    Term(
        "rotation TTA",
        "rotation test-time augmentation: the mean of four answers, one at each quarter turn",
    ),
    Term("spliced class", "a new class made from parts of two characters"),
    Term(
        "splits",
        "*alphabets*, *paper*, *classes*, *minimal-1* and *minimal-2*: how classes are divided "
        "into training, validation and test",
        "data.md#splits",
    ),
    Term(
        "support set, query set",
        "the labelled examples to adapt to; the pictures to be classified",
    ),
    Term(
        "transductive, inductive",
        "queries normalised with their own batch statistics, all together; or with the support "
        "set's, each query alone",
    ),
    Term(
        "views",
        "the forms in which a picture is shown to a network: as it is, rotated, as an ink crop",
    ),
)
_BY_NAME = {term.name: term for term in (*SYMBOLS, *TERMS)}


def terms(names: Iterable[str]) -> list[Term]:
    """Return terms by name.

    Raises:
        KeyError: There is no such term.
    """
    return [_BY_NAME[name] for name in names]


def as_markdown() -> str:
    """Return the whole table as a document."""
    lines = [
        "# Glossary",
        "",
        "Symbols are those of Finn et al. (2017), arXiv:1703.03400. The app's pages take their "
        "words from",
        "the same table, `maml_core/teaching/glossary.py`.",
        "",
        "| | |",
        "| --- | --- |",
        *map(_row, SYMBOLS),
        "",
        "| term | meaning |",
        "| --- | --- |",
        *map(_row, TERMS),
    ]
    return "\n".join(lines) + "\n"


def _row(term: Term) -> str:
    see = f"; see [{term.see.partition('#')[0]}]({term.see})" if term.see else ""
    return f"| {term.name} | {term.meaning}{see} |"


if __name__ == "__main__":
    print(as_markdown(), end="")
