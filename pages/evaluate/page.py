"""Evaluate: hundreds of episodes, a mean with its confidence interval, and what others reached."""

from collections.abc import Iterator
from dataclasses import astuple, dataclass, replace
from functools import partial

import streamlit as st

from maml_core.config import OFFICIAL_RUNS, EpisodeSpec, EvaluationConfig
from maml_core.episodes.sampling import count_available_episodes
from maml_core.evaluation import results_table
from maml_core.evaluation.comparison import evaluate_together
from maml_core.evaluation.confidence_intervals import Estimate, percent
from maml_core.figures.style import STYLES
from maml_core.methods.catalogue import NEAREST
from pages.shared import cached
from pages.shared.long_work import draw, streamed
from pages.shared.page_header import begin, why
from pages.shared.settings import Settings, one_of, some_of, whole
from pages.shared.widgets import choice

EPISODES = (100, 300, 600, 1000, 2000)
MAX_STEPS = 100  # would a hundred steps save pretraining?
EACH_STEP = 10  # up to which the table has a column for each step; then for each tenth
SHOWN_FIRST = ("maml", "pretrained")
SPLITS = {"Unseen alphabets": "alphabets", "Unseen characters (paper)": "paper"}
QUERIES = {"Together": True, "Each alone": False}
WHY_SPLIT = """
**Unseen alphabets**: trained on background alphabets, tested on the 20 evaluation alphabets;
neither a character nor an alphabet was seen before. **Unseen characters (paper)**: all characters
are shuffled regardless of alphabet, as in Finn et al. 2017, so that a test character's neighbours
in its alphabet were seen. Published tables use the second, which is easier. Each split has weights
of its own, trained without its test characters.
"""
WHY_QUERIES = """
Each layer normalises with a mean and a variance. **Together** takes them from all query pictures
of the episode at once (*transductive*, as in MAML's published Omniglot results): they tell each
other a little. **Each alone** takes them from the support set, and a query is answered as if it
were the only one, as when somebody draws a single character.
"""
WHY_NEAREST = """
A query takes the label of the support picture that is most like it, and nothing adapts: by the
**pixels** as they are, by the **features** that the pretrained network sees before any step, or by
those of a **ResNet** with ten times as many parameters, pretrained on the same characters and on
others made of parts of them. Whoever adapts should do better than its own network's nearest; what a
larger network does better is no merit of adapting (Chen et al. 2019, arXiv:1904.04232).
"""
WHY_ROTATION_TTA = """
Turned by 90°, a character is another one to these networks, which were trained to tell the two
apart. With **rotation test-time augmentation** (TTA) each method answers four times: it adapts to
the examples at each quarter turn, from the same start, answers the pictures turned likewise, and
the mean of the four answers counts. The four make different errors, and their mean makes fewer.
Nothing is trained anew, but everything takes four times as long, and published numbers do without.
"""
WHY_INK_CROPS = """
Many of Omniglot's characters are small: every fourth spans 15 or fewer of the 28 pixels that a
network sees. An **ink crop** shows only the square around the ink, made from the full-size picture.
Each method adapts to both views, the pictures as they are and their ink crops, and the mean of its
answers counts. It takes twice as long; only the ResNet of *unseen alphabets* saw ink crops in its
training.
"""
WHY_RUNS = """
Omniglot came with a challenge (Lake et al. 2015): **20 runs**, the same for everybody, in which 20
characters of one alphabet were drawn by one person and are asked about in another's hand, 400
queries in all. People err in 4.5 % of them. Its authors chose ten of the evaluation alphabets, 20
characters of each and two pairs of drawers. Episodes **drawn by chance**, 20-way within one
alphabet by the same drawers, are of the same kind but harder: any alphabet, any characters, any two
drawers. The numbers compare with queries *each alone*.
"""
WHY_INTERVAL = """
The band is a 95 % confidence interval: in 95 of 100 such evaluations it contains the mean of
infinitely many episodes. Four times as many episodes make it half as wide. Accuracies close to
100 % are skewed, so it is Wilson's interval with the episodes' own variance and not the usual
mean ± 1.96 s / √n, which is too narrow; the official runs count by alphabet, because both runs of
an alphabet have the same characters. It says nothing about other weights: another training run
would give another mean.
"""


@dataclass(frozen=True)
class Controls:
    """What the page's own controls say.

    Attributes:
        methods: What is to be measured.
        split: On whose test characters, by weights trained on its training characters.
        transductive: How queries are normalised.
        steps: Inner steps.
        episodes: How many.
        same_drawers: Every class by the same drawers.
        official: The official runs instead of drawn episodes.
        rotation_tta: Whether the mean over four quarter turns answers.
        ink_crops: Whether ink crops are a second view of the pictures.
    """

    methods: tuple[str, ...]
    split: str
    transductive: bool
    steps: int
    episodes: int
    same_drawers: bool
    official: bool
    rotation_tta: bool
    ink_crops: bool


def main() -> None:
    """Draw the page."""
    ready = begin("Which method is better?", _checks())
    st.markdown(
        "One episode is an anecdote; hundreds are a measurement. **Same episodes for every "
        "method, mean accuracy after each inner step, 95 % confidence interval.**"
    )
    if ready is None:
        return
    settings, _, _ = ready
    _measured(settings)
    _published()


def _checks() -> dict:
    return {
        "who": some_of(*_labels_in_link()),
        "split": one_of(*_splits()),
        "queries": one_of(*QUERIES),
        "test_steps": whole(1, MAX_STEPS),
        "episodes": one_of(*map(str, EPISODES)),
        "same_drawers": one_of("true", "false"),
        "official": one_of("true", "false"),
        "rotation_tta": one_of("true", "false"),
        "ink_crops": one_of("true", "false"),
    }


def _labels_in_link() -> dict[str, str]:
    """Return the words a link may name: those of its split.

    Once the page is drawn its address can still name what the split chosen since does not have.
    """
    if "who" in st.session_state:
        return {k: v for split in SPLITS.values() for k, v in _labels(split).items()}
    words = st.query_params.get("split")
    return _labels(SPLITS[words if words in _splits() else _splits()[0]])


def _splits() -> list[str]:
    """Return the words for the splits for which weights are here, not only the random start."""
    return [words for words, split in SPLITS.items() if len(cached.available_methods(split)) > 1]


def _labels(split: str) -> dict[str, str]:
    """Return what can be evaluated, by the words that stand for it."""
    found = (*cached.available_methods(split), *cached.references(split))
    return {STYLES[method].short_label: method for method in found}


def _measured(settings: Settings) -> None:
    """Draw the controls, and the result of what they say."""
    asked = _controls()
    if not asked.methods:
        st.info("Choose at least one method.")
        return
    drawn = replace(settings.spec, same_drawers=asked.same_drawers)
    settings = replace(settings, spec=OFFICIAL_RUNS if asked.official else drawn)
    asked = replace(asked, episodes=count_available_episodes(settings.spec, asked.episodes))
    try:
        cached.episode(settings, asked.split)
    except ValueError as error:  # the other split's alphabets can be smaller
        st.error(f"{error}", icon=":material/error:")
        return
    spec = settings.spec
    st.markdown(_shape(spec, asked.transductive))
    found = streamed(
        "evaluate",
        f"Evaluate on {asked.episodes:,} {'runs' if asked.official else 'episodes'}",
        (settings, astuple(asked)),  # `Controls` itself is another class in each rerun
        partial(_start, settings, asked),
        episodes=asked.episodes,
        n_way=spec.n_way,
    )
    if found:
        words = "together" if asked.transductive else "each alone"
        how = f", split “{asked.split}”, queries normalised {words}"
        how += ", Omniglot's own runs" if asked.official else ""
        how += ", rotation TTA" if asked.rotation_tta else ""
        how += ", ink crops" if asked.ink_crops else ""
        draw(found, settings, "evaluate", how)
        st.dataframe(_table(found), hide_index=True, key="evaluate_table")


def _shape(spec: EpisodeSpec, transductive: bool) -> str:
    """Return the shape of the episodes in words, and where it was chosen."""
    shape = f"**{spec.n_way}-way {spec.k_shot}-shot**, "
    shape += f"{spec.q_query} queries a class" if spec.q_query > 1 else "1 query a class"
    shape += ", all from one alphabet" if spec.within_alphabet else ""
    if spec.official:
        compare = " To compare with people, normalise queries *each alone*." if transductive else ""
        return f"{shape}, by one drawer against another: as Omniglot's own runs are.{compare}"
    return f"{shape}: as set in the sidebar."


def _controls() -> Controls:
    """Draw the page's own controls and return what they say."""
    first, second = st.columns(2)
    splits = _splits()
    with first:
        split_words = choice("Split: trained and tested on", splits, "split")
    with second:
        query_words = choice("Queries are normalised", QUERIES, "queries")
    labels = _labels(SPLITS[split_words])
    chosen = st.pills(
        "Methods",
        list(labels),
        selection_mode="multi",
        default=[words for words, method in labels.items() if method in SHOWN_FIRST],
        key="who",
        bind="query-params",
    )
    numbers = _numbers()
    with st.container(horizontal=True):
        why("Which split?", WHY_SPLIT)
        why("Together or alone?", WHY_QUERIES)
        why("Nearest by what?", WHY_NEAREST)
        why("Rotation TTA?", WHY_ROTATION_TTA)
        why("Ink crops?", WHY_INK_CROPS)
        why("Whose 20 runs?", WHY_RUNS)
        why("What is the band?", WHY_INTERVAL)
    methods = tuple(method for words, method in labels.items() if words in chosen)
    return Controls(methods, SPLITS[split_words], QUERIES[query_words], *numbers)


def _numbers() -> tuple[int, int, bool, bool, bool, bool]:
    """Draw how many steps and episodes, and the switches for the drawers and the looks."""
    first, second, third = st.columns(3, vertical_alignment="center")
    official = third.toggle(
        "Omniglot's 20 runs",
        key="official",
        bind="query-params",
        help="Not episodes drawn by chance but the runs of Omniglot's own challenge, on which "
        "people err in 4.5 %. They have a shape of their own.",
    )
    steps = first.slider("Inner steps", 1, MAX_STEPS, 5, key="test_steps", bind="query-params")
    episodes = second.select_slider(
        "Episodes", EPISODES, 600, key="episodes", bind="query-params", disabled=official
    )
    same_drawers = third.toggle(
        "Same drawers",
        key="same_drawers",
        bind="query-params",
        disabled=official,
        help="The first example of every class by one drawer, and so on. With “All from one "
        "alphabet”, 20-way, one query of each, these are episodes as in Omniglot's own challenge.",
    )
    rotation_tta = third.toggle(
        "Rotation TTA",
        key="rotation_tta",
        bind="query-params",
        help="Each method answers by the mean over the pictures at four quarter turns, in four "
        "times the time.",
    )
    ink_crops = third.toggle(
        "Ink crops",
        key="ink_crops",
        bind="query-params",
        help="Each method sees the square around each character's ink as well, in twice the time.",
    )
    return steps, episodes, same_drawers, official, rotation_tta, ink_crops


def _start(settings: Settings, asked: Controls) -> Iterator[dict[str, Estimate]]:
    """Begin what was asked for; yields as it grows."""
    return evaluate_together(
        {m: cached.learner(m, asked.split) for m in asked.methods if m not in NEAREST},
        cached.pool(settings.dataset, settings.part, asked.split, asked.ink_crops),
        settings.spec,
        EvaluationConfig(
            inner_steps=asked.steps,
            episodes=asked.episodes,
            seed=settings.seed,
            transductive=asked.transductive,
            rotation_tta=asked.rotation_tta,
        ),
        references={
            m: cached.learner(NEAREST[m], asked.split) if NEAREST[m] else None
            for m in asked.methods
            if m in NEAREST
        },
    )


def _table(found: dict[str, Estimate]) -> list[dict[str, str]]:
    """Return a row a method, a column a step; what takes no steps has the first column alone."""
    last = max(len(one.accuracy) for one in found.values()) - 1
    steps = [step for step in range(last + 1) if step <= EACH_STEP or step % 10 == 0]
    steps += [] if last in steps else [last]
    return [
        {"Method": STYLES[method].label}
        | {f"step {step}": "–" for step in steps}
        | {
            f"step {step}": percent(one.accuracy[step], one.ci95[step])
            for step in steps
            if step < len(one.accuracy)
        }
        for method, one in found.items()
    ]


def _published() -> None:
    st.subheader("Beside the published numbers", anchor=False)
    labels = {method: style.label for method, style in STYLES.items()}
    st.dataframe(results_table.accuracy_table(labels), hide_index=True, key="published_table")
    st.caption(
        "Accuracy in %, on Omniglot's test characters. This project's rows were recorded by "
        "`python -m maml_core evaluate --all` (± 95 % CI, after the last inner step); "
        "the others are as their authors report them, all on the paper's kind of split."
    )
    st.subheader("Omniglot's own challenge", anchor=False)
    st.dataframe(results_table.official_runs_table(labels), hide_index=True, key="runs_table")
    st.caption(
        "Error in % in the challenge's 20 fixed runs of 20 queries, unseen alphabets, each query "
        "alone. “Omniglot's 20 runs” above repeats ours; episodes drawn by chance are harder."
    )


main()
