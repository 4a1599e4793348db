"""Episodes: what an N-way K-shot episode is, on real characters."""

from html import escape

import streamlit as st

from maml_core.data.character_set import CharacterSet
from maml_core.episodes.counting import disjoint_tasks, log10_episodes
from maml_core.episodes.sampling import Episode
from maml_core.figures.splits import split_figure
from maml_core.figures.style import CHART_CONFIG, class_letter
from pages.shared import cached
from pages.shared.page_header import begin, why
from pages.shared.picture_html import STYLE, strip
from pages.shared.settings import PARTS, Settings

PAPER_TRAIN_SHARE = 1_200 / 1_623  # Finn et al. 2017 train on 1,200 of Omniglot's characters
WHY_NAMES = """
**N-way** counts the classes to be told apart, **K-shot** the labelled examples of *each*: 5-way
1-shot is five pictures in all, 20-way 5-shot a hundred. Queries are not counted.
"""
WHY_TWO_SETS = """
The support set is what may be learned from, the query set is the exam on it. Both show the same
classes, drawn by different people. In meta-training the exam's result changes where learning
*starts* the next time; in a test it changes nothing.
"""
LAYOUT = """
<style>
.episode { display: grid; grid-template-columns: max-content auto 1fr; gap: 0.6rem 1.2rem; }
.episode .title { font-weight: 600; opacity: 0.8; }
.episode .name { max-width: 11rem; font-size: 0.85rem; overflow-wrap: anywhere; }
.episode .name b { font-size: 1.3rem; }
.episode .name span { opacity: 0.75; }
@media (max-width: 640px) {
  .episode { grid-template-columns: 1fr; gap: 0.3rem; }
  .episode .title { display: none; }
  .episode .name { max-width: none; margin-top: 0.8rem; }
}
</style>
"""


def main() -> None:
    """Draw the page."""
    ready = begin("What is an episode?")
    st.markdown(
        "A small exam in telling characters apart: **learn** from the support set, then "
        "**answer** for the query set. Meta-learning practises on thousands of them."
    )
    if ready is None:
        return
    settings, data, episode = ready
    _sets(data, episode)
    _numbers(settings, data)
    if data.has_drawers:  # pictures come in no alphabets that could be kept apart
        _split(settings, data, episode)
    _tasks(settings, data)


def _sets(data: CharacterSet, episode: Episode) -> None:
    spec = episode.spec
    st.page_link(
        "pages/adapt/page.py",
        label="Watch the methods learn this episode",
        icon=":material/trending_up:",
    )
    st.subheader(f"{spec.n_way}-way {spec.k_shot}-shot", anchor=False)
    rows = [
        '<div class="title">Class</div>'
        f'<div class="title">Support set: {spec.n_way * spec.k_shot} pictures, label known</div>'
        f'<div class="title">Query set: {spec.n_way * spec.q_query} pictures, label asked</div>'
    ]
    for label, index in enumerate(episode.classes):
        name = data.classes[index]
        rows.append(
            f'<div class="name"><b>{class_letter(label)}</b> '
            f"<span>{escape(str(name))}</span></div>"
            f"<div>{strip(data, episode.support[label])}</div>"
            f"<div>{strip(data, episode.query[label], small=True)}</div>"
        )
    st.html(STYLE + LAYOUT + f'<div class="episode">{"".join(rows)}</div>')
    st.caption(
        "Each row is one class. Hover over or tap a picture to see "
        f"{'who drew it' if data.has_drawers else 'which one it is'}: support and query pictures "
        "are never the same."
    )
    with st.container(horizontal=True):
        why("What do way and shot count?", WHY_NAMES)
        why("Why two sets?", WHY_TWO_SETS)


def _numbers(settings: Settings, data: CharacterSet) -> None:
    pool = cached.pool(settings.dataset, settings.part)
    sizes = list(cached.alphabets_by_part(settings.dataset)[settings.part].values())
    exponent = log10_episodes(sizes, int(pool.counts.min()), settings.spec)
    st.subheader("How many different episodes are there?", anchor=False)
    first, second, third = st.columns(3)
    what = "Characters" if data.has_drawers else "Classes"
    first.metric(f"{what} to draw from", f"{sum(sizes):,}", help=PARTS[settings.part])
    if data.has_drawers:
        second.metric("Alphabets", len(sizes))
    third.metric("Different episodes", f"about 10^{exponent:.0f}")
    st.caption(
        "Choices of the classes in order, times choices of the drawings of each. Learning to "
        "learn means: do well on all of them, most of which nobody will ever draw."
    )


def _split(settings: Settings, data: CharacterSet, episode: Episode) -> None:
    st.subheader("Which characters are for training, which for the exam?", anchor=False)
    here = {data.classes[index].alphabet for index in episode.classes}
    names = ", ".join(sorted(here)).replace("_", " ")
    figure = split_figure(cached.alphabets_by_part(settings.dataset), here)
    st.plotly_chart(figure, key="split_chart", config=CHART_CONFIG)
    st.caption(
        "Each block is an alphabet, as large as it has characters; this episode's are outlined "
        f"({names}). Training, validation and test share no alphabet, so an "
        "exam on test characters asks for learning, not for memory."
    )


def _tasks(settings: Settings, data: CharacterSet) -> None:
    n_way = settings.spec.n_way
    tasks = disjoint_tasks(range(len(data.classes)), n_way, seed=0)
    if len(tasks) < 2:
        return  # of a few drawings no list can be made
    st.subheader("The same characters as a fixed list of tasks", anchor=False)
    n_train = int(len(data.classes) * PAPER_TRAIN_SHARE) // n_way
    number = st.slider("Task", 1, len(tasks), 1, key="task", bind="query-params")
    kind = "training" if number <= n_train else "test"
    st.html(STYLE + strip(data, [int(data.starts[c]) for c in tasks[number - 1]]))
    st.caption(
        f"Task {number}, for {kind}. Shuffled and cut into {n_way}-way tasks that share no "
        f"character, the {len(data.classes):,} characters make {len(tasks)} tasks: {n_train} for "
        f"training and {len(tasks) - n_train} for test. Drawn at random instead, as above, there "
        "are vastly more. (Omniglot at 20-way: 81 tasks, 60 and 21.)"
    )


main()
