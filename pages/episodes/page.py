"""Episodes: what an N-way K-shot episode is, on real characters."""

from html import escape

import streamlit as st

from maml_core.data.character_set import CharacterSet
from maml_core.episodes.counting import disjoint_tasks, log10_episodes
from maml_core.episodes.sampling import Episode
from maml_core.figures.splits import split_figure
from maml_core.figures.style import class_letter
from maml_core.teaching.sentences.episode import describe_episode
from pages.shared import cached
from pages.shared.charts.chart import draw_chart
from pages.shared.charts.picture_html import GROUP, STYLE, picture_strip
from pages.shared.frame.finding import show_finding
from pages.shared.frame.glossary import PLAIN, introduce
from pages.shared.frame.page_header import explanation, page_with_episode
from pages.shared.link_settings import PARTS, Settings

PAPER_TRAIN_SHARE = 1_200 / 1_623  # Finn et al. 2017 train on 1,200 of Omniglot's characters
SUPPORT_REM = 4.3  # of a support picture and the gap after it
SUPERSCRIPT = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
WHY_NAMES = """
**N-way** is the number of classes to tell apart, **K-shot** the number of labelled examples of
*each*: 5-way 1-shot is five pictures in all, 20-way 5-shot a hundred. Queries do not count.
"""
WHY_TWO_SETS = """
The support set is for learning, the query set is the exam. Both show the same classes, drawn by
different people. In meta-training the exam result changes where learning *starts* the next time; at
test time it changes nothing.
"""
LAYOUT = """
<style>
.episode-box { container-type: inline-size; }
/* The support set is as wide as its rows of pictures; the query set gets what is left. */
.episode {
  display: grid; gap: 0.6rem 1.2rem;
  grid-template-columns:
    minmax(6rem, 11rem) minmax(4.4rem, var(--support)) minmax(9rem, 1fr);
}
.episode .title { font-weight: 600; opacity: 0.8; }
.episode .set { display: none; font-size: 0.85rem; opacity: 0.8; margin-bottom: 0.2rem; }
.episode .name { font-size: 0.85rem; overflow-wrap: anywhere; }
.episode .name b { font-size: 1.3rem; }
.episode .name span { opacity: 0.75; }
@container (max-width: 640px) {
  .episode { grid-template-columns: minmax(0, 1fr); gap: 0.3rem; }
  .episode .title { display: none; }
  .episode .set { display: block; }
  .episode .name { max-width: none; margin-top: 0.8rem; }
}
</style>
"""


def main() -> None:
    """Draw the page."""
    ready = page_with_episode("What is an episode?")
    st.markdown(
        "A small exam in telling characters apart: **learn** from the support set, then "
        "**classify** the query set. Meta-learning trains on thousands of such episodes."
    )
    introduce(
        PLAIN,
        *("episode", "N-way K-shot", "support set, query set", "drawer", "splits"),
        *("meta-learning", "MAML", "pretrained", "chance"),
    )
    if ready is None:
        return
    settings, data, episode = ready
    _support_and_query_section(data, episode)
    _episode_count_section(settings, data)
    if data.has_drawers:  # other pictures have no alphabets to split by
        _split_section(settings, data, episode)
    _disjoint_tasks_section(settings, data)


def _support_and_query_section(data: CharacterSet, episode: Episode) -> None:
    spec = episode.spec
    st.subheader(f"{spec.n_way}-way {spec.k_shot}-shot", anchor=False)
    rows = [
        '<div class="title">Class</div>'
        f'<div class="title">Support set: {spec.n_way * spec.k_shot} pictures with labels</div>'
        f'<div class="title">Query set: {spec.n_way * spec.q_query} pictures to classify</div>'
    ]
    for label, index in enumerate(episode.classes):
        name = data.classes[index]
        rows.append(
            f'<div class="name"><b>{class_letter(label)}</b> '
            f"<span>{escape(str(name))}</span></div>"
            '<div><div class="set">Support set</div>'
            f"{picture_strip(data, episode.support[label])}</div>"
            '<div><div class="set">Query set</div>'
            f"{picture_strip(data, episode.query[label], small=True)}</div>"
        )
    width = f"--support: max(11rem, {min(spec.k_shot, GROUP) * SUPPORT_REM}rem)"
    grid = f'<div class="episode" style="{width}">{"".join(rows)}</div>'
    st.html(STYLE + LAYOUT + f'<div class="episode-box">{grid}</div>')
    st.caption(
        "Each row is one class. Hover over or tap a picture to see "
        f"{'who drew it' if data.has_drawers else 'which one it is'}; no picture is in both sets."
    )
    # Where a data set has but one, as drawings have, its name says nothing of how alike they look.
    has_alphabets = data.has_drawers and len(data.alphabets) > 1
    alphabets = {data.classes[index].alphabet for index in episode.classes}
    show_finding(describe_episode(spec, len(alphabets) if has_alphabets else None), "episodes")
    with st.container(horizontal=True):
        explanation("What are way and shot?", WHY_NAMES)
        explanation("Why two sets?", WHY_TWO_SETS)


def _episode_count_section(settings: Settings, data: CharacterSet) -> None:
    pool = cached.pool(settings.dataset, settings.part)
    sizes = list(cached.alphabets_by_part(settings.dataset)[settings.part].values())
    log10_count = log10_episodes(sizes, int(pool.counts.min()), settings.spec)
    st.subheader("How many different episodes are there?", anchor=False)
    classes_column, alphabets_column, episodes_column = st.columns(3)
    label = "Characters" if data.has_drawers else "Classes"
    classes_column.metric(f"{label} to sample from", f"{sum(sizes):,}", help=PARTS[settings.part])
    if data.has_drawers:
        alphabets_column.metric("Alphabets", len(sizes))
    exponent = f"{log10_count:.0f}".translate(SUPERSCRIPT)
    episodes_column.metric("Different episodes", f"about 10{exponent}")
    st.caption(
        "Ordered choices of the classes times choices of the pictures of each. Learning to learn "
        "means doing well on all of them, most of which will never be sampled."
    )


def _split_section(settings: Settings, data: CharacterSet, episode: Episode) -> None:
    st.subheader("Which characters are for training, which for testing?", anchor=False)
    alphabets = {data.classes[index].alphabet for index in episode.classes}
    names = ", ".join(sorted(alphabets)).replace("_", " ")
    figure = split_figure(cached.alphabets_by_part(settings.dataset), alphabets)
    draw_chart(figure, "split_chart", "The alphabets of the training, validation and test parts")
    st.caption(
        "Each block is an alphabet, its area the number of characters; this episode's are outlined "
        f"({names}). Point at a block for a name that has no room; click or tap a part to enlarge "
        "it, and its heading to come back. Training, validation and test share no alphabet, so an "
        "exam on test characters tests learning, not memory."
    )


def _disjoint_tasks_section(settings: Settings, data: CharacterSet) -> None:
    n_way = settings.spec.n_way
    tasks = disjoint_tasks(range(len(data.classes)), n_way, seed=0)
    if len(tasks) < 2:
        return  # too few classes for a list
    st.subheader("The same characters as a fixed list of tasks", anchor=False)
    n_train = int(len(data.classes) * PAPER_TRAIN_SHARE) // n_way
    if st.session_state.get("task", 1) > len(tasks):  # chosen when there were more of them
        st.session_state["task"] = len(tasks)
    number = st.slider("Task", 1, len(tasks), 1, key="task", bind="query-params")
    kind = "training" if number <= n_train else "testing"
    st.html(STYLE + picture_strip(data, [int(data.starts[c]) for c in tasks[number - 1]]))
    st.caption(
        f"Task {number}, for {kind}. Shuffled and divided into {n_way}-way tasks that share no "
        f"character, the {len(data.classes):,} characters make {len(tasks)} tasks: {n_train} for "
        f"training and {len(tasks) - n_train} for testing. Sampled at random, as above, there are "
        "vastly more. (Omniglot at 20-way: 81 tasks, 60 and 21.)"
    )


main()
