"""What pupils are called in a class: a colour and an animal, nobody's own name."""

from __future__ import annotations

import random

COLOURS = (
    *("red", "orange", "golden", "green", "mint", "blue", "purple", "pink", "silver", "white"),
    *("black", "brown"),
)
ANIMALS = (
    *("badger", "bat", "bear", "bee", "bison", "camel", "cat", "crab", "crane", "deer", "dingo"),
    *("dolphin", "duck", "eagle", "falcon", "ferret", "finch", "fox", "frog", "gecko", "hare"),
    *("hedgehog", "heron", "horse", "koala", "lemur", "lynx", "mole", "moose", "newt", "otter"),
    *("owl", "panda", "puffin", "rabbit", "raven", "robin", "seal", "swan", "tiger", "wren"),
)
NAMES = tuple(f"{colour} {animal}" for animal in ANIMALS for colour in COLOURS)


def free_names(taken: set[str], count: int, generator: random.Random) -> list[str]:
    """Return so many names that nobody has, of different animals as far as there are some.

    Args:
        taken: Those that somebody has.
        count: How many to offer; fewer where fewer are free.
        generator: Chooses them.
    """
    free = [name for name in NAMES if name not in taken]
    generator.shuffle(free)
    animals_taken = [animal_of(name) for name in taken]
    seen: dict[str, int] = {a: animals_taken.count(a) for a in animals_taken}
    ranked = []
    for name in free:
        animal = animal_of(name)
        ranked.append((seen.get(animal, 0), name))
        seen[animal] = seen.get(animal, 0) + 1
    return [name for _, name in sorted(ranked, key=lambda pair: pair[0])[:count]]


def animal_of(name: str) -> str:
    """Return the animal of a name."""
    return name.split()[-1]
