"""What the tests of figures ask of any figure, and how they read one."""

from __future__ import annotations

import json

import numpy as np
import plotly.io

STEPS = 4


def refuse(constant):
    raise AssertionError(f"{constant} is not JSON")


def assert_sound(figure):
    """Plotly takes its own JSON back, which is plain JSON, and draws the same from it."""
    text = figure.to_json(validate=True)
    json.loads(text, parse_constant=refuse)  # browsers know no NaN there
    again = plotly.io.from_json(text, skip_invalid=False)
    assert json.loads(again.to_json()) == json.loads(text)


def strong(figure):
    """The lines with markers, and their places among the traces."""
    places = [i for i, one in enumerate(figure.data) if one.mode == "lines+markers"]
    return [figure.data[i] for i in places], tuple(places)


def numbers(values):
    """A trace's numbers, None for a gap."""
    return [None if value is None or np.isnan(value) else float(value) for value in values]


def chance_line(figure):
    (line,) = figure.layout.shapes
    assert line.y0 == line.y1
    assert line.xref.endswith("domain")
    (note,) = figure.layout.annotations
    return line.y0, note.text


def linear(colour):
    channels = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def luminance(channels):
    """Relative luminance of sRGB channels 0 to 255, WCAG 2.2."""
    shares = [c / 255 for c in channels]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in shares]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def channels(colour):
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
