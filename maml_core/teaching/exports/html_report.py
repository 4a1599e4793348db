"""A report as one HTML file: it opens offline, prints on A4, and stands in a course page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import plotly.graph_objects as go

ON_PAPER = {"displayModeBar": False}
WIDTH = 680  # pixels of a chart: A4 between its margins
STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.45 system-ui, sans-serif; color: #222; background: #fff; max-width: 46rem;
  margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.7rem; margin: 0; } h2 { font-size: 1.25rem; margin: 2rem 0 0.5rem; }
.about { color: #555; margin: 0.25rem 0 1.5rem; }
table { border-collapse: collapse; margin: 0.75rem 0; width: 100%; }
th, td { text-align: left; padding: 0.25rem 0.5rem; border-bottom: 1px solid #ccc;
  vertical-align: top; overflow-wrap: anywhere; }
th:not(:last-child), td:not(:last-child) { min-width: 6em; overflow-wrap: break-word; }
figure { margin: 0.75rem 0; } figcaption { color: #555; font-size: 0.85rem; }
.picture { display: inline-block; margin: 0 1rem 0.75rem 0; max-width: 100%; }
img { max-height: 8rem; max-width: 100%; border: 1px solid #ccc; }
@page { size: A4; margin: 18mm; }
@media print { body { margin: 0; max-width: none; } section, figure, tr { break-inside: avoid; } }
"""


@dataclass(frozen=True, eq=False)
class Section:
    """A part of a report; what it has not is left out.

    Attributes:
        title: Its heading.
        paragraphs: Sentences, as plain text.
        figure: A chart.
        words: The chart's text alternative.
        head: Of a table.
        rows: Of the same.
        pictures: Data URIs, each with its caption.
    """

    title: str
    paragraphs: Sequence[str] = ()
    figure: go.Figure | None = None
    words: str = ""
    head: Sequence[str] = ()
    rows: Sequence[Sequence[object]] = ()
    pictures: Sequence[tuple[str, str]] = ()


def html_report(title: str, about: str, sections: Sequence[Section]) -> str:
    """Return a report.

    Args:
        title: Its heading.
        about: A line below it.
        sections: In their order. The first with a chart brings Plotly along, 5 MB.
    """
    parts, has_plotly = [], False
    for section in sections:
        parts.append(_section(section, with_plotly=not has_plotly))
        has_plotly = has_plotly or section.figure is not None
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f'<h1>{escape(title)}</h1>\n<p class="about">{escape(about)}</p>\n'
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


def _section(section: Section, *, with_plotly: bool) -> str:
    parts = [f"<h2>{escape(section.title)}</h2>"]
    parts += [f"<p>{_linked(text)}</p>" for text in section.paragraphs]
    if section.figure is not None:
        chart = go.Figure(section.figure).update_layout(width=WIDTH)
        for axes in (chart.update_xaxes, chart.update_yaxes):
            axes(automargin=True)  # as Streamlit has it
        drawn = chart.to_html(full_html=False, include_plotlyjs=with_plotly, config=ON_PAPER)
        words = escape(section.words, quote=True)
        parts.append(f'<figure role="img" aria-label="{words}">{drawn}</figure>')
    parts += [
        f'<figure class="picture"><img src="{escape(source)}" alt="{escape(caption)}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
        for source, caption in section.pictures
    ]
    if section.rows:
        head = "".join(f"<th>{escape(name)}</th>" for name in section.head)
        rows = "\n".join(
            "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>"
            for row in section.rows
        )
        parts.append(f"<table><thead><tr>{head}</tr></thead>\n<tbody>{rows}</tbody></table>")
    return "<section>" + "\n".join(parts) + "</section>"


def _linked(text: str) -> str:
    """Return a paragraph; one that is an address leads there."""
    words = escape(text)
    is_address = text.startswith(("http://", "https://")) and not text.split()[1:]
    return f'<a href="{words}">{words}</a>' if is_address else words
