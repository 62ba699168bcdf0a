"""Servers that processes of a run share: started once, stopped when the last of them is done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from signal_backups.core.base.file_locks import exclusive_or_not
from signal_backups_tests.servers.shared import Address, Running, SharedServers


def recording(events: list[str]) -> Running:
    """A server that says when it starts and stops."""

    @contextmanager
    def running(folder: Path) -> Iterator[Address]:
        events.append(f"{folder.name} starts")
        yield {"folder": folder.name}
        events.append(f"{folder.name} stops")

    return running


def test_the_second_uses_what_the_first_started(tmp_path: Path) -> None:
    events: list[str] = []
    first, second = SharedServers(tmp_path), SharedServers(tmp_path)
    running = recording(events)
    assert first.address("s3", running) == second.address("s3", running) == {"folder": "server-0"}
    with exclusive_or_not(tmp_path / "s3" / "use.lock") as is_unused:
        assert not is_unused
    second.close()
    assert events == ["server-0 starts"]
    first.close()
    assert events == ["server-0 starts", "server-0 stops"]


def test_who_comes_after_the_stop_starts_another(tmp_path: Path) -> None:
    events: list[str] = []
    first, late = SharedServers(tmp_path), SharedServers(tmp_path)
    first.address("s3", recording(events))
    first.close()
    assert late.address("s3", recording(events)) == {"folder": "server-1"}
    late.close()
    assert events == ["server-0 starts", "server-0 stops", "server-1 starts", "server-1 stops"]


def test_servers_of_different_names_are_different(tmp_path: Path) -> None:
    servers, events = SharedServers(tmp_path), list[str]()
    servers.address("s3", recording(events))
    servers.address("postgres", recording(events))
    servers.close()
    assert [event.partition(" ")[2] for event in events] == ["starts", "starts", "stops", "stops"]
