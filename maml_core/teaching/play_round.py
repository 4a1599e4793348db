"""A person against the machines: the ten questions of a seed, the answers, and the score.

Each question is an episode of its own with a single query. The machines get what the person
gets: one example of each class, and then that query alone, normalised with the support set's
statistics (see `functional.query_logits`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from maml_core.config import CHALLENGE, AdaptConfig, EpisodeSpec, check_choice
from maml_core.episodes.pool import TaskPool
from maml_core.episodes.sampling import Episode, episode_generator, sample_episodes
from maml_core.learners.adaptation import adapt_to
from maml_core.learners.learner import Learner
from maml_core.networks.functional import query_logits
from maml_core.optimisation.thread_pool import in_parallel

QUESTIONS = 10  # of a round
INNER_STEPS = 5  # of the machines: the last that the tables of results show
SECONDS = 10  # for a question, in a round that is timed
MODES = {
    "5-way": EpisodeSpec(5, 1, 1),
    "20-way": EpisodeSpec(20, 1, 1),
    "20-way, one alphabet": CHALLENGE,
}


@dataclass(frozen=True, eq=False)
class Question:
    """One question of a round.

    Attributes:
        episode: The examples, and a query of each class.
        truth: The label whose query is asked, 0 to n_way - 1.
    """

    episode: Episode
    truth: int

    @property
    def query(self) -> int:
        """The number of the picture that is asked."""
        return int(self.episode.query[self.truth, 0])


def questions(pool: TaskPool, mode: str, seed: int) -> list[Question]:
    """Return the round that belongs to a seed, the same on every machine.

    Args:
        pool: The characters.
        mode: One of `MODES`.
        seed: Any integer from 0 on.

    Raises:
        ValueError: An unknown mode, or a pool with too few characters for it.
    """
    check_choice("mode", mode, tuple(MODES))
    spec = MODES[mode]
    # The episodes take the generators 0 to 9 of the seed; which class is asked is drawn with one
    # of the next, another for each mode: to have played one mode gives nothing away of another.
    generator = episode_generator(seed, QUESTIONS + list(MODES).index(mode))
    truths = torch.randint(spec.n_way, (QUESTIONS,), generator=generator).tolist()
    episodes = sample_episodes(pool, spec, seed, QUESTIONS)
    return [Question(episode, truth) for episode, truth in zip(episodes, truths, strict=True)]


def machine_answers(
    learners: Mapping[str, Learner], asked: Sequence[Question]
) -> dict[str, list[int]]:
    """Return the label that each learner gives to each question, by name.

    It adapts with its own α for `INNER_STEPS` steps, anew for each question.
    """
    pieces = [(learner, question) for learner in learners.values() for question in asked]
    found = list(in_parallel(lambda piece: _answer(*piece), pieces))
    n = len(asked)
    return {name: found[i * n : (i + 1) * n] for i, name in enumerate(learners)}


def _answer(learner: Learner, question: Question) -> int:
    episode, task = question.episode, question.episode.task
    config = AdaptConfig(learner.inner_lr(episode.spec.n_way), INNER_STEPS)
    *_, params = adapt_to(learner, episode, config)
    query_x = task.query_x[question.truth, None]  # of one query a class
    with torch.no_grad():
        logits = query_logits(learner.model, params, task.support_x, query_x, transductive=False)
    return int(logits.argmax())


def score(asked: Sequence[Question], answers: Sequence[int | None]) -> int:
    """Count the right answers to the first questions, as many as there are answers.

    An answer that is None was not given in time.

    Raises:
        ValueError: More answers than questions.
    """
    if len(answers) > len(asked):
        raise ValueError(f"There are {len(answers)} answers to {len(asked)} questions.")
    return sum(question.truth == answer for question, answer in zip(asked, answers, strict=False))


def result_line(
    title: str, scores: Mapping[str, int], missed: Mapping[str, int] | None = None
) -> str:
    """Return a round's result as a line to compare, 'Seed 17, 20-way: me 8, MAML 9 of 10'.

    Args:
        title: Tells the round from others.
        scores: Right answers by player.
        missed: How many questions a player gave no answer to: 'me 8 (no answer to 1)'.
    """
    without = {name: f" (no answer to {count})" for name, count in (missed or {}).items() if count}
    counts = ", ".join(f"{name} {right}{without.get(name, '')}" for name, right in scores.items())
    return f"{title}: {counts} of {QUESTIONS}"
