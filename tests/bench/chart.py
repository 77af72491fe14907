"""Bars as SVG, for light and dark pages: a block for each case, a bar for each place, a line from the least to the most."""

from __future__ import annotations

from html import escape

from tests.bench.figures import Figure, cell, share

STYLE = """
    text { font: 13px ui-sans-serif, system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #1f2328 }
    .head { font-weight: 600 }
    .bar { fill: #8c959f }
    .ours { fill: #1a7f5a }
    .spread { stroke: #1f2328; stroke-width: 1.2; opacity: .65 }
    @media (prefers-color-scheme: dark) {
      text { fill: #e6edf3 }
      .bar { fill: #656c76 }
      .ours { fill: #3fb68b }
      .spread { stroke: #e6edf3 }
    }"""
WIDTH, LEFT, SPAN = 800, 190, 380
ROW, HEAD, GAP = 22, 26, 14


def chart(title: str, rows: dict[str, dict[str, Figure]], ours: tuple[str, ...]) -> str:
    """rows: by case and place, as `figures.cases` gives them."""
    parts: list[str] = []
    top = 0.0
    for case, figures in rows.items():
        parts += _block(case, list(figures.values()), ours, top)
        top += HEAD + ROW * len(figures) + GAP
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top:g}" width="{WIDTH}" height="{top:g}" role="img"'
    return f'{head} aria-label="{escape(title)}">\n  <style>{STYLE}\n  </style>\n{"".join(parts)}</svg>\n'


def _block(case: str, figures: list[Figure], ours: tuple[str, ...], top: float) -> list[str]:
    """The longest bar or line of the block is as wide as there is room."""
    unit = f", {figures[0].unit}" if figures[0].unit else ""
    longest = max(max(abs(value) for value in figure.values) / (figure.of or 1) for figure in figures) or 1.0
    heading = f'  <text class="head" x="0" y="{top + 17:g}">{escape(case + unit)}</text>\n'
    return [heading, *(_bar(f, f.place in ours, top + HEAD + ROW * row, SPAN / longest) for row, f in enumerate(figures))]


def _bar(figure: Figure, ours: bool, top: float, scale: float) -> str:
    width = max(0.0, share(figure) * scale)
    least, most = (max(0.0, value) / (figure.of or 1) * scale for value in (min(figure.values), max(figure.values)))
    style = "bar ours" if ours else "bar"
    middle = top + ROW / 2
    line = f'  <path class="spread" d="M{LEFT + least:.1f} {middle:g}H{LEFT + most:.1f}"/>\n' if most > least else ""
    return (
        f'  <text x="{LEFT - 8}" y="{middle + 4:g}" text-anchor="end">{escape(figure.place)}</text>\n'
        f'  <rect class="{style}" x="{LEFT}" y="{top + 3:g}" width="{max(width, 1.5):.1f}" height="{ROW - 6}" rx="2"/>\n{line}'
        f'  <text x="{LEFT + max(width, most) + 8:.1f}" y="{middle + 4:g}">{escape(cell(figure))}</text>\n'
    )
