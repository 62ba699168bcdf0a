"""A chart of the forecast cost, one line for each profile.

Loads matplotlib: import it where a chart is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from signal_backups.core.cost.forecast import MONTHS_PER_YEAR, Forecast
from signal_backups.core.s3.prices import Prices

_INCHES, _DPI = (9, 4.5), 120
_LINES = ("-", "--", "-.", ":")


def cost_chart(forecasts: Sequence[Forecast], prices: Prices) -> bytes:
    """A PNG with US dollars a month over the coming years."""
    figure = Figure(figsize=_INCHES, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for position, found in enumerate(forecasts):
        axes.plot(
            [month.month / MONTHS_PER_YEAR for month in found.months],
            [month.usd for month in found.months],
            # Lines may coincide, so their styles differ too.
            linestyle=_LINES[position % len(_LINES)],
            linewidth=2,
            label=f"{found.name}: ${found.total_usd:,.2f} in total",
        )
    axes.set_xlabel("years from now")
    axes.set_ylabel("US dollars a month")
    axes.set_title(f"Cost of the backups, list prices of {prices.region} as of {prices.as_of}")
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.grid(visible=True, alpha=0.3)
    if forecasts:
        axes.legend()
    target = BytesIO()
    figure.savefig(target, format="png", dpi=_DPI)
    return target.getvalue()
