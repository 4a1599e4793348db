"""How a round of Play ended, in a sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from maml_core.teaching.sentences.words import capitalised, count, listed, spelled

EASY = 0.9  # of the questions right, by everybody: a harder mode says more


def describe_round(
    person: Sequence[bool],
    machines: Mapping[str, Sequence[bool]],
    *,
    missed: int = 0,
    harder: str = "",
) -> str:
    """Say who won a round and by how much, what only one side knew, and what to try.

    Args:
        person: Whether each of the person's answers was right; not empty.
        machines: Likewise by the name in sentences, equally many.
        missed: How many the person did not answer in time.
        harder: The name of a harder mode; empty where there is none.
    """
    n, mine = len(person), sum(person)
    scores = {name: sum(right) for name, right in machines.items()}
    in_time = f" ({spelled(missed)} not answered in time)" if missed else ""
    listing = listed([f"{name} {score}" for name, score in scores.items()])
    sentences = [f"You have {mine} of {n} right{in_time}{f', {listing}' if listing else ''}."]
    if scores:
        sentences += [_winner(mine, scores), _only_one_side(person, machines)]
    if harder and min([mine, *scores.values()]) >= EASY * n:
        sentences.append(f"Too easy to tell you apart: try “{harder}”.")
    elif scores:
        sentences.append(
            f"{capitalised(spelled(n, 'question'))} are few: another round may differ."
        )
    return " ".join(filter(None, sentences))


def _winner(mine: int, scores: Mapping[str, int]) -> str:
    """Say who has the most right, and by how many more than the next."""
    best = max(scores.values())
    first = [name for name, score in scores.items() if score == best]
    if mine > best:
        return f"You win, by {mine - best}."
    if mine == best:
        return f"A draw between you and {listed(first)}."
    verb = "wins" if len(first) == 1 else "win"
    second = max(score for score in [mine, *scores.values()] if score < best)
    return f"{capitalised(listed(first))} {verb}, by {best - second}."


def _only_one_side(person: Sequence[bool], machines: Mapping[str, Sequence[bool]]) -> str:
    """Say how many questions only the person, or only machines, had right."""
    together = list(zip(person, *machines.values(), strict=True))
    only_mine = sum(right and not any(others) for right, *others in together)
    only_theirs = sum(not right and all(others) for right, *others in together)
    machine = (
        "the machine"
        if len(machines) == 1
        else "both machines"
        if len(machines) == 2
        else ("all machines")
    )
    no_machine = machine.replace("both", "neither").replace("machines", "machine")
    parts = []
    if only_mine:
        parts.append(
            f"{count(only_mine, 'question')} you had right and "
            f"{no_machine if len(machines) == 2 else f'not {machine}'}"
        )
    if only_theirs:
        parts.append(f"{count(only_theirs, 'question')} {machine} had right and you did not")
    return f"{capitalised('; '.join(parts))}." if parts else ""
