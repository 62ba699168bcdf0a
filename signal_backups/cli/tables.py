"""Tables for people: what somebody copies out of one, a key or a version id, never breaks within a cell."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

_GAP = "  "
#: Stands for a value that there is none of.
_NONE = ("", "-")
#: Wider than any table.
_UNLIMITED = 100_000


def draw_table(
    console: Console, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], right: frozenset[str]
) -> None:
    """Print a table; on a terminal that is too narrow for it, the widest columns of a row stand below the row.

    Args:
        console: where to; one that is no terminal gets lines as long as they have to be.
        title: printed above.
        columns: the heads.
        rows: the cells of each row; a cell can have several lines.
        right: heads of columns that are aligned at the right.
    """
    table = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold", justify="right" if column in right else "left")
    for row in rows:
        table.add_row(*row)
    wanted = console.measure(table, options=console.options.update(width=_UNLIMITED)).maximum
    if wanted <= console.width:
        console.print(table)
    elif not console.is_terminal:
        console.width = wanted
        console.print(table)
    else:
        _print_narrow(console, title, columns, [[" ".join(cell.split("\n")) for cell in row] for row in rows], right)


def _print_narrow(
    console: Console, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], right: frozenset[str]
) -> None:
    widths = [max(len(cell) for cell in (column, *cells)) for column, *cells in zip(columns, *rows, strict=True)]
    beside = _fitting(widths, console.width)

    def line(cells: Sequence[str]) -> str:
        placed = [
            cells[each].rjust(widths[each]) if columns[each] in right else cells[each].ljust(widths[each])
            for each in beside
        ]
        return _GAP.join(placed).rstrip()

    # Soft wrapped: a terminal joins again what is copied out of it.
    console.print(Text(title, "italic"), soft_wrap=True)
    console.print(Text(line(columns), "bold"), soft_wrap=True)
    for row in rows:
        console.print(Text(line(row)), soft_wrap=True)
        for each, (column, cell) in enumerate(zip(columns, row, strict=True)):
            if each not in beside and cell not in _NONE:
                console.print(Text(f"{_GAP}{column}{_GAP}{cell}"), soft_wrap=True)


def _fitting(widths: Sequence[int], most: int) -> list[int]:
    """The columns that stand beside each other, after the widest were taken away."""
    beside = list(range(len(widths)))
    while len(beside) > 1 and sum(widths[each] + len(_GAP) for each in beside) - len(_GAP) > most:
        beside.remove(max(beside, key=lambda each: widths[each]))
    return beside
