"""Who is measured: the learners that a command's options name, and what they have no use for."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from maml_core.cli.options import MODEL_OPTIONS, model_options
from maml_core.cli.typed_options import as_typed, refuse_options
from maml_core.config import EpisodeSpec
from maml_core.data.character_set import CharacterSet
from maml_core.episodes.official_runs import NOT_INDEPENDENT
from maml_core.evaluation.ensembles import shipped_member
from maml_core.learners import checkpoints
from maml_core.learners.learner import Learner, random_learner
from maml_core.methods.catalogue import BY_NAME, NEAREST, TAKES_NO_STEP, current_name, weights_of
from maml_core.networks.registry import for_pictures, model_arguments
from maml_core.teaching.sentences.words import listed

STILL = (*NEAREST, *TAKES_NO_STEP)  # who takes no inner step


def learners_of(parsed: argparse.Namespace, data: CharacterSet) -> list[Learner]:
    """Return who adapts or whose features are compared, one or an ensemble; none for pixels."""
    if parsed.ensemble:
        return [ensemble_member(name, parsed.split) for name in parsed.ensemble]
    if parsed.method in NEAREST and not parsed.weights:
        features_of = NEAREST[parsed.method]
        return [_shipped(features_of, parsed.split)] if features_of else []
    return [adapting_learner(parsed, data)]


def ensemble_member(name: str, split: str) -> Learner:
    """Return a member of an ensemble by a method's name or a weights file's."""
    method = current_name(name)
    if method in BY_NAME:
        _check_shipped(weights_of(method), split, "in place of the name")
        return shipped_member(method, split)
    if not Path(name).is_file():
        raise ValueError(
            f"{name} is neither a weights file nor one of {', '.join(BY_NAME)}; name one of them."
        )
    return checkpoints.load_weights(Path(name)).learner()


def _identity(name: str, split: str) -> str | Path:
    """Return what tells a member from others: its file of weights, or what needs no own one."""
    method = current_name(name)
    if method in (*NEAREST, "random"):
        return method
    return (checkpoints.shipped_file(method, split) if method in BY_NAME else Path(name)).resolve()


def adapting_learner(parsed: argparse.Namespace, data: CharacterSet) -> Learner:
    """Return the learner of a file's weights, of shipped ones, or an untrained network."""
    if parsed.weights:
        checkpoint = checkpoints.load_weights(parsed.weights)
        name = model_arguments(checkpoint.provenance.model)["name"]
        method = checkpoint.provenance.method
        if "method" in parsed.typed and parsed.method not in (method, *NEAREST):
            raise ValueError(
                f"{parsed.weights} holds weights of {method}, not of --method {parsed.method}; "
                "leave --method out or name another file with --weights."
            )
        refuse_options(parsed, f"{parsed.weights} says what its network is", *MODEL_OPTIONS)
        if parsed.model not in (None, name):
            raise ValueError(
                f"{parsed.weights} holds weights for {name}, not for --model {parsed.model}; leave "
                "--model out."
            )
        return checkpoint.learner()
    if parsed.method == "random":
        return random_learner(0, for_pictures(model_options(parsed), data.input_shape))
    if parsed.model not in (None, "conv4"):
        raise ValueError(
            f"There are no shipped weights for --model {parsed.model}; name a file with --weights."
        )
    refuse_options(parsed, "The shipped weights have a network of their own", *MODEL_OPTIONS)
    return _shipped(parsed.method, parsed.split)


def _shipped(method: str, split: str) -> Learner:
    _check_shipped(method, split, "with --weights")
    return checkpoints.shipped(method, split)


def _check_shipped(method: str | None, split: str, where: str) -> None:
    if method and not checkpoints.can_answer(method, split):
        raise ValueError(
            f"There are no shipped weights of {method} for --split {split}; choose another split, "
            f"or train them and name their file {where}."
        )


def check_options(parsed: argparse.Namespace) -> None:
    """Raise `ValueError` if what is to be measured alone has no use for an option."""
    if parsed.official:
        why = "The official runs are 20 fixed ones, 20-way 1-shot with one query a class"
        refuse_options(parsed, why, *(field.name for field in fields(EpisodeSpec)[:-1]), "seed")
        refuse_options(parsed, NOT_INDEPENDENT, "minus")
    if parsed.ensemble:
        why = "Every member of an ensemble has a method and weights of its own"
        refuse_options(parsed, why, "method", "weights", "model", *MODEL_OPTIONS)
        members = {_identity(name, parsed.split) for name in parsed.ensemble}
        if len(parsed.ensemble) < 2 or len(members) < len(parsed.ensemble):
            raise ValueError(
                f"{as_typed(parsed, 'ensemble')} is no ensemble; name at least two different "
                "members, or one with --method or --weights."
            )
    elif parsed.method in NEAREST:
        why = f"{parsed.method} compares features or pixels and adapts nothing"
        refuse_options(parsed, why, "model", *MODEL_OPTIONS)
        refuse_inner_loop(parsed, why)
        if NEAREST[parsed.method] is None:
            refuse_options(parsed, why, "weights")
    if parsed.minus == parsed.method and not (parsed.weights or parsed.ensemble):
        raise ValueError(f"--minus {parsed.minus} is what is measured itself; name another method.")


def why_no_step(learners: Sequence[Learner]) -> str:
    """Return the sentence that these solve for their head, to be gone on with."""
    names = listed([BY_NAME[one.method].short_label for one in learners])
    if len(learners) == 1:
        return f"{names} solves for its head and takes no inner step"
    return f"{names} solve for a head and take no inner step"


def refuse_inner_loop(parsed: argparse.Namespace, why: str) -> None:
    """Refuse α to what takes no step, and steps unless `--minus` takes them."""
    refuse_options(parsed, why, "inner_lr")
    if parsed.minus in (None, *STILL):
        refuse_options(parsed, why, "steps")
