"""``signal-backups cost`` as a process."""

from __future__ import annotations

from datetime import date

from signal_backups_tests.cli.terminal import Terminal


def test_what_is_stored_billed_and_forecast(terminal: Terminal, newest: date) -> None:
    assert terminal.run("backup", str(newest)).code == 0
    over = terminal.run("cost", "--json", AWS_DEFAULT_REGION="moon-1", SIGNAL_BACKUPS_STORAGE_QUOTA_GB="0.000001")
    document = over.json
    assert (over.code, document["ok"], document["quota"]["state"]) == (1, False, "over")
    backups = next(group for group in document["bill"]["groups"] if group["stored"]["kind"] == "backups")
    assert backups["stored"]["objects"] == 1
    assert backups["usd_per_month"] > 0
    assert document["growth"]["stored_days"] == 1
    assert [(each["name"], len(each["months"])) for each in document["forecasts"]] == [
        ("documented", 84),
        ("recommended", 84),
    ]
    assert "no prices for region moon-1; shown with us-east-1 prices" in document["statements"]
    assert "put_per_1000" in document["unconfirmed_prices"]

    done = terminal.run("cost", "--years", "2", "--png", "cost.png", SIGNAL_BACKUPS_STORAGE_QUOTA_GB="1")
    assert done.code == 0
    for words in ("Stored now", "Forecast, by year and profile", "Quota OK", "as of 2026-06-18", "Note: this store"):
        assert words in done.out
    assert "Wrote cost.png" in done.err
    assert (terminal.folder / "cost.png").read_bytes().startswith(b"\x89PNG")
    tables = [line for line in done.out.splitlines() if line.startswith(("│", "┃", "┏"))]
    assert max(map(len, tables)) <= 80


def test_a_chart_that_cannot_be_written_takes_no_figures_away(terminal: Terminal) -> None:
    done = terminal.run("cost", "--png", "nowhere/cost.png")
    assert done.code == 0
    assert "cannot write nowhere/cost.png: No such file or directory" in done.err
    assert "In all 0 bytes" in done.out


def test_an_empty_bucket_has_no_forecast(terminal: Terminal) -> None:
    done = terminal.run("cost")
    assert done.code == 0
    assert "Note: no backups yet: nothing to forecast from" in done.out
    assert "Forecast" not in done.out
