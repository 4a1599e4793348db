"""Every chart comes on a page in one way, with a text alternative and a name for its picture."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from maml_core.config import EpisodeSpec
from pages.shared.charts.chart import file_name
from pages.shared.link_settings import Settings
from tests.support.opened_page import open_page

ROOT = Path(__file__).parents[3]
CHART = ROOT / "pages" / "shared" / "charts" / "chart.py"


def calls_of(file: Path, name: str) -> int:
    """How often a file calls a method of this name of anything."""
    return sum(
        isinstance(node, ast.Attribute) and node.attr == name
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
    )


def test_one_function_draws_all_plotly_charts() -> None:
    callers = {
        file: calls
        for file in [ROOT / "app.py", *(ROOT / "pages").rglob("*.py")]
        if (calls := calls_of(file, "plotly_chart"))
    }
    assert callers == {CHART: 1}


def test_pandas_is_whole_before_a_figure_is_made() -> None:
    said = "import sys; import pages.shared.charts.chart; print('pandas' in sys.modules)"
    found = subprocess.run(
        [sys.executable, "-c", said], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout == "True\n", "Plotly takes it half imported by another visitor's thread"


@pytest.mark.parametrize(
    ("page", "charts"), [("adapt", 3), ("episodes", 1), ("landscape", 2), ("inside", 4)]
)
def test_charts_have_a_text_alternative_and_a_name_to_be_saved_under(
    page: str, charts: int
) -> None:
    shown = [one.proto for one in open_page(f"pages/{page}/page.py").get("plotly_chart")]
    assert len(shown) == charts
    assert len({chart.alt for chart in shown}) == charts
    names = [json.loads(chart.config)["toImageButtonOptions"]["filename"] for chart in shown]
    assert len(set(names)) == charts
    for chart, name in zip(shown, names, strict=True):
        assert any(character.isdigit() for character in chart.alt), "numbers, not a label alone"
        assert chart.alt.lower().startswith(name.split("-")[0])


def test_a_picture_is_named_after_what_it_shows() -> None:
    settings = Settings("omniglot", EpisodeSpec(5, 1, 10), 7, "test")
    assert file_name("Query accuracy, step 1 → 5", settings) == (
        "query-accuracy-step-1-5-omniglot-5-way-1-shot-seed-7"
    )
    assert file_name("Adapt", replace(settings, number=3)) == (
        "adapt-omniglot-5-way-1-shot-seed-7-question-4"
    )
    assert file_name("α of MAML’s") == "α-of-maml-s"
