"""Lessons as notebooks: a link into the app becomes code that computes what the page shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import parse_qs

from maml_core.config import EpisodeSpec
from maml_core.methods.catalogue import ALL
from maml_core.teaching.exports.notebook_exports import (
    FIND_PROJECT,
    HOW_TO_RUN,
    SHOW_CHARTS,
    SHOW_SUPPORT,
    Cell,
    code_cell,
    markdown_cell,
    notebook_json,
)
from maml_core.teaching.lessons import Lesson

_LINK = re.compile(r"\[([^\]]*)\]\(([^)\s:]*)\)")
_ITEM = re.compile(r"^(?=\d+\. )", re.MULTILINE)  # of a numbered list
_NAMES = {method.label: method.name for method in ALL}
_FEW_STEPS, _EPISODES = 10, (40, 6)  # of a measurement, with few steps and with many
_DATA = """\
from maml_core import EpisodeSpec, compare, make_pool, sample_episode, shipped, split_classes
from maml_core.data.registry import load_or_glyphs
from maml_core.teaching.lesson_figures import SEEDS

data = load_or_glyphs("omniglot")
print(data.notice or f"{len(data.classes):,} characters of Omniglot.")
pool = make_pool(data, split_classes(data, "alphabets", "test"))  # never seen in training
SEED = SEEDS[data.name]"""
_EPISODE = """\
episode = sample_episode(pool, EpisodeSpec({n_way}, {k_shot}, {q_query}), SEED)"""
_COUNT = """\
from maml_core.episodes.counting import log10_episodes

sizes = [len(data.alphabets[name]) for name in data.evaluation_alphabets]
for n_way in ({n_way}, 20):
    count = log10_episodes(sizes, 20, EpisodeSpec(n_way, {k_shot}, 10))  # of 20 drawings each
    print(f"{{n_way}}-way {k_shot}-shot: about 10^{{count:.0f}} different episodes")"""
_PLAY = """\
import numpy as np
from IPython.display import display
from PIL import Image
from maml_core.teaching.play_round import answer_questions, sample_questions, score

questions = sample_questions(pool, {mode!r}, SEED)
first = questions[0]
examples = [255 - data.inputs[picture] for picture in first.episode.support[:, 0]]
print("Which of these ...")
display(Image.fromarray(np.concatenate(examples, axis=1)).resize((56 * len(examples), 56)))
print("... is this one? The answer is in the next cell.")
Image.fromarray(255 - data.inputs[first.query]).resize((56, 56))"""
_ANSWERS = """\
answers = answer_questions({name: shipped(name) for name in ("maml", "pretrained")}, questions)
print(f"Number {first.truth + 1} from the left.")
for name, labels in answers.items():
    right = score(questions, labels)
    print(f"{name} says number {labels[0] + 1}, and is right in {right} of 10 questions.")"""
_ADAPT = """\
learners = {{name: shipped(name) for name in {names!r}}}
trajectories = compare(learners, episode, inner_steps=10)
for trajectory in trajectories:
    print(
        trajectory.method,
        "accuracy in %:", *(f"{{100 * value:.0f}}" for value in trajectory.accuracy),
        "| support loss:", *(f"{{value:.3f}}" for value in trajectory.support_loss),
    )"""
_EVALUATE = """\
from IPython.display import display
from maml_core import evaluate
from maml_core.config import EvaluationConfig
from maml_core.evaluation.confidence_intervals import percent
from maml_core.figures.evaluation import confidence_figure

EPISODES = {episodes}  # the page takes {page_episodes}: more of them take longer and say more


def measure(q_query, transductive=True):
    spec = EpisodeSpec({n_way}, {k_shot}, q_query)
    config = EvaluationConfig({steps}, EPISODES, transductive=transductive)
    estimates = {{}}
    for name in {names!r}:
        *_, estimates[name] = evaluate(shipped(name), pool, spec, config)
        for step in sorted({{1, min(3, {steps}), {steps}}}):
            accuracy, ci95 = estimates[name].accuracy[step], estimates[name].ci95[step]
            print(f"{{name}} after step {{step}}: {{percent(accuracy, ci95)}} %")
    display(confidence_figure(estimates, spec.n_way, close=True))


measure(q_query={q_query})"""
_LEADS = """\
from IPython.display import display
from maml_core.evaluation.training_distance import leads_over, load_shifted_sets
from maml_core.figures.evaluation import leads_figure
from maml_core.teaching.sentences.training_distance import points


def show_leads(method, kind="ink", n_way=5):
    leads = leads_over(method, kind, n_way, load_shifted_sets())
    for number, lead in enumerate(leads, 1):
        print(f"{number:2} {lead.name}: distance {lead.distance:.2f}, {points(lead)} points")
    display(leads_figure(leads, method))"""
_LANDSCAPE = """\
from dataclasses import replace
from IPython.display import display
from maml_core.figures.landscape import common_scale, contour_figure
from maml_core.landscape import loss_maps, plane_descent
from maml_core.paths import ASSETS
from maml_core.training.recording import load_recording

recorded, _ = load_recording(ASSETS / "recordings" / "maml.safetensors")


def show_maps(kind="paths", which="support", of="loss", update=5000):
    maml = replace(shipped("maml"), params=recorded[update])
    learners = {{"maml": maml, "pretrained": shipped("pretrained")}}
    planes = plane_descent.build_planes(kind, learners, episode, seed=0)
    paths = {{
        name: plane_descent.descend(
            learner, episode, planes[name], inner_lr=learner.inner_lr({n_way}), inner_steps=10
        )
        for name, learner in learners.items()
    }}
    window = loss_maps.window_around(paths.values())
    if kind == "random":
        window = loss_maps.window_at_random(planes.values())
    for name, path in paths.items():
        before, after = path.loss["support"][:2]
        print(f"{{name}}: support loss {{before:.3f}}, after one step {{after:.3f}};")
        print(f"{{100 * path.accuracy['query'][1]:.0f}} % of the queries are right then;")
        print(f"{{100 * path.fraction_in_plane:.0f}} % of the path lies in the plane.")
        grids = loss_maps.evaluate_loss_grid(
            learners[name].model, planes[name], episode.task, which, window, resolution=11
        )
        *_, grid = grids
        display(contour_figure(grid, [path], common_scale(of, [grid]), which, window))"""
_PLANES = {"Random": "random", "Both ends": "ends"}
_DRAWN = {"Query loss": ("query", "loss"), "Query accuracy": ("query", "accuracy")}
Settings = Mapping[str, Sequence[str]]  # of a link, by parameter


def lesson_notebook(lesson: Lesson) -> str:
    """Return a lesson as the text of an .ipynb file that has not been run.

    Args:
        lesson: With the figures of Omniglot, which the notebook uses where it is.
    """
    cells = [
        markdown_cell(f"# {lesson.title}\n\n{_plain(lesson.introduction)}\n\n{HOW_TO_RUN}"),
        code_cell(FIND_PROJECT),
        code_cell(_DATA),
        markdown_cell(f"## 1. Predict\n\n{_plain(lesson.prediction)}\n\n{_choices(lesson)}"),
    ]
    heading = "## 2. Try it\n\nThe same as on the app's pages, in code.\n\n"
    defined: set[str] = set()
    for item in filter(str.strip, _ITEM.split(lesson.steps)):
        cells.append(markdown_cell(heading + _plain(item)))
        heading = ""
        for _, link in _LINK.findall(item):
            cells += _cells_of(link, defined)
    return notebook_json(
        [
            *cells,
            markdown_cell(_folded("What you should have seen", lesson.outcome)),
            markdown_cell(f"## 3. Question\n\n{_plain(lesson.question)}"),
            markdown_cell(_folded("The answer", lesson.answer)),
        ]
    )


def _choices(lesson: Lesson) -> str:
    return "\n".join(f"* {choice}" for choice in lesson.choices)


def _plain(text: str) -> str:
    """Return a text without its links into the app, which lead nowhere from a notebook."""
    return _LINK.sub(r"**\1**", text)


def _folded(summary: str, text: str) -> str:
    return f"<details><summary><b>{summary}</b></summary>\n\n{_plain(text)}\n\n</details>"


def _cells_of(link: str, defined: set[str]) -> list[Cell]:
    """Return the code of a link; functions that an earlier one defined are called only."""
    page, _, query = link.removeprefix("./").partition("?")
    make = _PAGES.get(page)
    return make(parse_qs(query), defined) if make else []


def _number(settings: Settings, name: str, default: int) -> int:
    return int(settings.get(name, [str(default)])[0])


def _spec(settings: Settings) -> EpisodeSpec:
    return EpisodeSpec(
        n_way=_number(settings, "n_way", 5),
        k_shot=_number(settings, "k_shot", 1),
        q_query=_number(settings, "q_query", 10),
    )


def _episode(spec: EpisodeSpec) -> list[Cell]:
    """Return the code that samples an episode and shows its support set, a column a class."""
    sampled = _EPISODE.format(n_way=spec.n_way, k_shot=spec.k_shot, q_query=spec.q_query)
    return [code_cell(sampled), code_cell(SHOW_SUPPORT)]


def _episodes(settings: Settings, defined: set[str]) -> list[Cell]:
    spec = _spec(settings)
    count = _COUNT.format(n_way=spec.n_way, k_shot=spec.k_shot)
    return [*_episode(spec), code_cell(count)]


def _play(settings: Settings, defined: set[str]) -> list[Cell]:
    return [code_cell(_PLAY.format(mode=settings["mode"][0])), code_cell(_ANSWERS)]


def _adapt(settings: Settings, defined: set[str]) -> list[Cell]:
    spec = _spec(settings)
    names = tuple(_NAMES[label] for label in settings["methods"])
    return [
        *_episode(spec),
        code_cell(_ADAPT.format(names=names)),
        code_cell(SHOW_CHARTS.format(n_way=spec.n_way)),
    ]


def _leads(settings: Settings, defined: set[str]) -> list[Cell]:
    kind = "features" if "distance_by" in settings else "ink"
    method = _NAMES[settings["ahead_of"][0]]
    cells = [] if "leads" in defined else [code_cell(_LEADS)]
    defined.add("leads")
    return [*cells, code_cell(f"show_leads({method!r}, {kind!r})")]


def _evaluate(settings: Settings, defined: set[str]) -> list[Cell]:
    if "distance" in settings:
        return _leads(settings, defined)
    spec, steps = _spec(settings), _number(settings, "test_steps", 5)
    text = _EVALUATE.format(
        episodes=_EPISODES[steps > _FEW_STEPS],
        page_episodes=_number(settings, "episodes", 100),
        n_way=spec.n_way,
        k_shot=spec.k_shot,
        q_query=spec.q_query,
        steps=steps,
        names=tuple(_NAMES[label] for label in settings["who"]),
    )
    if spec.q_query > 1:
        return [code_cell(text)]
    return [
        code_cell(text),
        markdown_cell("The other two measurements: each alone, then fifty queries together."),
        code_cell(f"measure(q_query={spec.q_query}, transductive=False)"),
        code_cell("measure(q_query=10)"),
    ]


def _landscape(settings: Settings, defined: set[str]) -> list[Cell]:
    spec = _spec(settings)
    cells = (
        []
        if "maps" in defined
        else [*_episode(spec), code_cell(_LANDSCAPE.format(n_way=spec.n_way))]
    )
    defined.add("maps")
    arguments = {}
    if kind := _PLANES.get(settings.get("plane", [""])[0]):
        arguments["kind"] = kind
    if drawn := _DRAWN.get(settings.get("drawn", [""])[0]):
        arguments |= {"which": drawn[0], "of": drawn[1]}
    call = [f"{name}={value!r}" for name, value in arguments.items()]
    if "update" not in settings:
        return [*cells, code_cell(f"show_maps({', '.join(call)})")]
    update = _number(settings, "update", 0)
    calls = [", ".join([*call, f"update={number}"]) for number in (update, 5000)]
    return [
        *cells,
        code_cell(f"show_maps({calls[0]})"),
        markdown_cell("And at the end of the meta-training:"),
        code_cell(f"show_maps({calls[1]})"),
    ]


_PAGES: dict[str, Callable[[Settings, set[str]], list[Cell]]] = {
    "": _play,
    "episodes": _episodes,
    "adapt": _adapt,
    "evaluate": _evaluate,
    "landscape": _landscape,
}
