"""A person against the machines: the ten questions of a seed, the answers, and the score.

Each question is an episode of its own with a single query. The machines get what the person
gets: one example of each class, and then that query alone, normalised with the support set's
statistics (see `functional.query_logits`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch

from maml_core.config import CHALLENGE, N_QUESTIONS, AdaptConfig, EpisodeSpec, check_choice
from maml_core.episodes.pool import TaskPool
from maml_core.episodes.sampling import Episode, episode_generator, sample_episodes
from maml_core.learners.adaptation import adapt_to_episode
from maml_core.learners.learner import Learner
from maml_core.networks.functional import query_logits
from maml_core.optimisation.thread_pool import in_parallel

INNER_STEPS = 5  # of the machines: the last in the tables of results
SECONDS_PER_QUESTION = 10  # in a timed round
MODES = {
    "5-way": EpisodeSpec(5, 1, 1),
    "20-way": EpisodeSpec(20, 1, 1),
    "20-way, one alphabet": CHALLENGE,
}


@dataclass(frozen=True, eq=False)
class PlayQuestion:
    """One question of a round.

    Attributes:
        episode: The examples, and a query of each class.
        truth: The right answer, 0 to n_way - 1: the label whose query is shown.
    """

    episode: Episode
    truth: int

    @property
    def query(self) -> int:
        """The number of the query picture."""
        return int(self.episode.query[self.truth, 0])


def sample_questions(pool: TaskPool, mode: str, seed: int) -> list[PlayQuestion]:
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
    # The episodes take the generators 0 to 9 of the seed; the right answers are sampled with one of
    # the next, a different one for each mode: having played one mode gives nothing away of another.
    generator = episode_generator(seed, N_QUESTIONS + list(MODES).index(mode))
    truths = torch.randint(spec.n_way, (N_QUESTIONS,), generator=generator).tolist()
    episodes = sample_episodes(pool, spec, seed, N_QUESTIONS)
    return [PlayQuestion(episode, truth) for episode, truth in zip(episodes, truths, strict=True)]


def answer_questions(
    learners: Mapping[str, Learner],
    questions: Sequence[PlayQuestion],
    inner_steps: int = INNER_STEPS,
) -> dict[str, list[int]]:
    """Return the label that each learner predicts for each question, by name.

    It adapts with its own α for `inner_steps` steps, from its θ for each question.
    """
    pairs = [(learner, question) for learner in learners.values() for question in questions]
    answers = list(in_parallel(partial(_answer, inner_steps), pairs))
    n = len(questions)
    return {name: answers[i * n : (i + 1) * n] for i, name in enumerate(learners)}


def _answer(inner_steps: int, pair: tuple[Learner, PlayQuestion]) -> int:
    learner, question = pair
    episode, task = question.episode, question.episode.task
    config = AdaptConfig(learner.inner_lr(episode.spec.n_way), inner_steps)
    *_, params = adapt_to_episode(learner, episode, config)
    query_x = task.query_x[question.truth, None]  # of one query a class
    with torch.no_grad():
        logits = query_logits(learner.model, params, task.support_x, query_x, transductive=False)
    return int(logits.argmax())


def score(questions: Sequence[PlayQuestion], answers: Sequence[int | None]) -> int:
    """Count the right answers to the first questions, as many as there are answers.

    None stands for a question that was not answered in time.

    Raises:
        ValueError: More answers than questions.
    """
    if len(answers) > len(questions):
        raise ValueError(f"There are {len(answers)} answers to {len(questions)} questions.")
    return sum(right_answers(questions, answers))


def right_answers(questions: Sequence[PlayQuestion], answers: Sequence[int | None]) -> list[bool]:
    """Return whether each answer is right, as many as there are; None is not."""
    pairs = zip(questions, answers, strict=False)
    return [question.truth == answer for question, answer in pairs]


def format_result(
    title: str, scores: Mapping[str, int], missed: Mapping[str, int] | None = None
) -> str:
    """Return a round's result as a line to compare, 'Seed 17, 20-way: me 8, MAML 9 of 10'.

    Args:
        title: What identifies the round.
        scores: Right answers by player.
        missed: How many questions a player did not answer: 'me 8 (no answer to 1)'.
    """
    remarks = {name: f" (no answer to {count})" for name, count in (missed or {}).items() if count}
    results = ", ".join(f"{name} {right}{remarks.get(name, '')}" for name, right in scores.items())
    return f"{title}: {results} of {N_QUESTIONS}"
