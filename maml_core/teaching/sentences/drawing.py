"""What the methods answer to one drawn query, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from maml_core.teaching.sentences.words import capitalised, listed

UNSURE = 0.5  # below it nobody's answer is more likely than all others together


def describe_readiness(names: Sequence[str]) -> str:
    """Say that methods, at least one, have adapted and wait for a query."""
    who = {1: f"{names[0]} has", 2: "Both have"}.get(len(names), "All have")
    return f"{capitalised(who)} adapted to the board. Now draw a query."


def describe_answers(
    probabilities: Mapping[str, np.ndarray],
    letters: Sequence[str],
    truth: int | None = None,
    *,
    rejected: bool = False,
) -> str:
    """Say which class each method takes a query for, how sure it is, and whether that is right.

    Args:
        probabilities: Of each class, [n_way], by the word for the method; NaN where it diverged.
        letters: What the classes are called, n_way of them.
        truth: The query's class, 0 to n_way - 1, where it is known.
        rejected: The query was found to belong to none of the classes.

    Returns:
        'Both say C, at 0.94.', or 'MAML says A, at 0.62; pretraining says C, at 0.55.' with those
        together that agree, and what follows from it; empty where every method diverged.
    """
    shares = {name: row for name, row in probabilities.items() if np.isfinite(row).all()}
    if not shares:
        return ""
    answers = {name: int(row.argmax()) for name, row in shares.items()}
    sure = {name: float(row.max()) for name, row in shares.items()}
    if len(shares) > 1 and len(set(answers.values())) == 1:
        sentence = _agreement(sure, letters[next(iter(answers.values()))], rejected)
    else:
        sentence = "; ".join(
            _answer_of(
                [name for name in answers if answers[name] == label], sure, letters[label], rejected
            )
            for label in dict.fromkeys(answers.values())
        )
    remark = _correctness(answers, letters, truth) if truth is not None else ""
    if not remark and not rejected and max(sure.values()) < UNSURE:
        remark = "Unsure: more examples of each character help."
    return f"{capitalised(sentence)}. {remark}".strip()


def _answer_of(names: Sequence[str], sure: Mapping[str, float], letter: str, rejected: bool) -> str:
    """Say what some methods answer, and with what probability each."""
    verb = "would say" if rejected else "says" if len(names) == 1 else "say"
    return f"{listed(names)} {verb} {letter}, at {listed([f'{sure[name]:.2f}' for name in names])}"


def _agreement(sure: Mapping[str, float], letter: str, rejected: bool) -> str:
    """Say that all methods give one answer, and with what probability."""
    who = "both" if len(sure) == 2 else f"all {len(sure)}"
    verb = "would say" if rejected else "say"
    values = {name: f"{share:.2f}" for name, share in sure.items()}
    if len(set(values.values())) == 1:
        return f"{who.capitalize()} {verb} {letter}, at {next(iter(values.values()))}"
    each = ", ".join(f"{name} at {value}" for name, value in values.items())
    return f"{who.capitalize()} {verb} {letter}, {each}"


def _correctness(answers: Mapping[str, int], letters: Sequence[str], truth: int) -> str:
    """Say who is right about a query whose class is known."""
    right = [name for name, label in answers.items() if label == truth]
    wrong = [name for name, label in answers.items() if label != truth]
    if not wrong:
        return f"It is {letters[truth]}: right."
    if not right:
        return f"It is {letters[truth]}: wrong."
    return f"It is {letters[truth]}: {listed(right)} right, {listed(wrong)} wrong."
