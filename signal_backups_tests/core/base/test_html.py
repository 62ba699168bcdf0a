"""What pages have in common: nothing in them is taken for HTML, and a column looks like what it holds."""

from __future__ import annotations

from signal_backups.core.base.html import page, paragraph, section, table, verdict_line

NASTY, ESCAPED = "<b>&\"'", "&lt;b&gt;&amp;&quot;&#x27;"


def test_all_texts_are_escaped() -> None:
    parts = [verdict_line(NASTY, ok=True), section(NASTY, paragraph(NASTY)), table([NASTY, f"!{NASTY}"], [[NASTY] * 2])]
    made = page(NASTY, parts)
    assert NASTY not in made
    # Title and heading, verdict, section and paragraph, four cells, and a severity is its own class.
    assert made.count(ESCAPED) == 2 + 3 + 4 + 2


def test_columns_are_styled_by_what_they_hold() -> None:
    made = table(["@day", "#records", "$hash", "!severity", "what"], [["2026-11-01", "3", "abc", "ERROR", "lost"]])
    assert '<td class="time">2026-11-01</td><td class="number">3</td><td class="hash">abc</td>' in made
    assert '<td class="ERROR">ERROR</td><td class="">lost</td>' in made
    assert '<th class="time">day</th>' in made
    assert "td.time { white-space: nowrap }" in page("", [made])
