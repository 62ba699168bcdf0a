"""What pages have in common: all values are escaped, numbers and instants look alike, and nothing is missing."""

from __future__ import annotations

import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from jinja2 import DictLoader, UndefinedError

from signal_backups.core.base import html
from signal_backups.core.base.html import render

HOSTILE, ESCAPED = "<b>&\"'", "&lt;b&gt;&amp;&#34;&#39;"


@pytest.fixture
def template(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of one value, as text and as an attribute."""
    base = (Path(html.__file__).parent / "page.html.j2").read_text()
    page = '{% extends "base/page.html.j2" %}{% block content %}<p title="{{ value }}">{{ value }}</p>{% endblock %}'
    filters = "{{ number | number }} {{ at | moment }}"
    loader = DictLoader({"base/page.html.j2": base, "page": page, "filters": filters})
    monkeypatch.setattr(html._environment(), "loader", loader)


@pytest.mark.usefixtures("template")
def test_all_values_are_escaped() -> None:
    page = render("page", title=HOSTILE, value=HOSTILE)
    assert "<b>" not in page
    # Title and heading, text and attribute.
    assert page.count(ESCAPED) == 4


@pytest.mark.usefixtures("template")
def test_a_page_needs_nothing_else_and_is_readable_in_light_and_dark() -> None:
    page = render("page", title="t", value="v")
    assert page.startswith("<!DOCTYPE html>")
    assert page.endswith("</html>\n")
    assert "prefers-color-scheme: dark" in page
    assert not re.search(r"\b(src|href|action)=|@import|url\(|https?://|<script", page)


@pytest.mark.usefixtures("template")
def test_a_value_that_is_missing_is_an_error() -> None:
    with pytest.raises(UndefinedError, match="value"):
        render("page", title="t")


@pytest.mark.usefixtures("template")
def test_numbers_and_instants() -> None:
    at = datetime(2026, 11, 1, 2, 0, 7, 999, tzinfo=UTC)
    assert render("filters", number=1234567, at=at) == "1,234,567 2026-11-01 02:00:07Z"


def test_every_template_is_packaged() -> None:
    root = Path(html.__file__).parents[2]
    project = tomllib.loads((root.parent / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["package-data"]["signal_backups"]
    packaged = {path for pattern in patterns for path in root.glob(pattern)}
    templates = set(root.rglob("*.j2"))
    assert root / "core" / "base" / "page.html.j2" in templates
    assert templates <= packaged
