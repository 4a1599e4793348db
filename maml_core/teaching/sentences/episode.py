"""What an episode asks of a learner, in a sentence."""

from __future__ import annotations

from maml_core.config import EpisodeSpec
from maml_core.teaching.sentences.words import count, spelled


def describe_episode(spec: EpisodeSpec, n_alphabets: int | None) -> str:
    """Say what there is to learn from, what is asked, and what guessing gets.

    Args:
        spec: The episode's shape.
        n_alphabets: How many alphabets its classes are from; None where there are none.
    """
    support, query = spec.n_way * spec.k_shot, spec.n_way * spec.q_query
    each = "a single example" if spec.k_shot == 1 else spelled(spec.k_shot, "example")
    guessed = query / spec.n_way
    text = (
        f"{count(support, 'labelled picture')} to learn from, {each} of each class; "
        f"{count(query, 'picture')} to classify, of which guessing gets {guessed:.0f}."
    )
    if n_alphabets == 1:
        return f"{text} All classes are from one alphabet and look alike: this is a hard one."
    if n_alphabets:
        text += f" The classes are from {spelled(n_alphabets, 'alphabet')}."
    if spec.k_shot == 1:
        return f"{text} Give five examples of each and see how much easier it becomes."
    return f"{text} Give one example of each and see how much harder it becomes."
