"""Hypothesis settings, and strategies for values that a database can hold."""

from __future__ import annotations

from datetime import date, datetime

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

#: Any text that a UTF-8 database can hold; characters that need quoting or escaping are likely.
texts = st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from(list("\"'\\,;\n\r\t\0 {}%é€😀"))))
nonempty_texts = texts.filter(bool)
finite = st.floats(allow_nan=False, allow_infinity=False)
integral = st.one_of(
    st.integers(1, 10**6).map(float), st.sampled_from([1e15, 1e16, 2.0**53, 1e22, 1e37, 1e38, 1e39, 1e300])
)
prices = st.one_of(st.floats(min_value=5e-324, allow_nan=False, allow_infinity=False), integral)
confidences = st.one_of(st.floats(0, 100), st.integers(0, 100).map(float))


def moments(first: date, last: date) -> st.SearchStrategy[datetime]:
    """Naive datetimes from the days ``first`` to ``last``."""
    return st.builds(datetime.combine, st.dates(first, last), st.times())


def examples(count: int) -> settings:
    """Settings for ``count`` examples that share function-scoped fixtures; the first example may be slow."""
    return settings(
        max_examples=count,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
