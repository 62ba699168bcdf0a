"""The throw-away PostgreSQL and the databases in it."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from signal_backups_tests.servers import postgres_binaries
from signal_backups_tests.servers.postgres import running_postgres


def test_a_database_is_fresh(postgres_database: str) -> None:
    with psycopg.connect(postgres_database) as connection:
        connection.execute("CREATE TABLE signals (id bigint)")
        found = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    assert found == (1,)


@pytest.mark.parametrize("reachable", [True, False])
def test_the_wheel_serves_where_debian_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, reachable: bool
) -> None:
    monkeypatch.delenv("TEST_DATABASE_URL", raising=False)
    monkeypatch.setattr(postgres_binaries, "debian_programs", lambda: None)
    if not reachable:
        monkeypatch.setattr(postgres_binaries, "_can_run", lambda *_: False)
    with running_postgres(tmp_path / "cluster") as url, psycopg.connect(url) as connection:
        where = connection.execute("SELECT current_setting('data_directory')").fetchone()
    assert where is not None
    assert not Path(where[0]).parent.exists()


def test_a_given_server_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_DATABASE_URL", "postgresql://given")
    with running_postgres(tmp_path) as url:
        assert url == "postgresql://given"
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_password_is_refused(postgres_url: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(postgres_url, password="wrong")
