"""``signal-backups cost``: what is stored, what S3 bills for it, and what it will be."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from signal_backups.cli.options import JsonOption
from signal_backups.cli.output import print_line, print_table, size, write_file, writing_beside
from signal_backups.cli.results import show_report
from signal_backups.cli.session import opened_vault, settings_with_notice
from signal_backups.core.base.errors import ExitCode
from signal_backups.core.cost.quota import Quota
from signal_backups.core.cost.report import DEFAULT_YEARS, CostReport, compared_profiles, cost_report
from signal_backups.core.s3.prices import load_prices

_MOST_YEARS = 100
_LEAST_SHOWN_USD = 0.01


def cost(
    years: Annotated[int, typer.Option("--years", min=1, max=_MOST_YEARS, help="Years to forecast.")] = DEFAULT_YEARS,
    png: Annotated[
        Path | None, typer.Option("--png", metavar="FILE", help="Also draw the cost of each month into a PNG.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what is stored, what S3 bills for it, and a forecast for each retention profile.

    Exit code 1 when more is stored than SIGNAL_BACKUPS_STORAGE_QUOTA_GB.
    """
    settings = settings_with_notice()
    profiles = compared_profiles(settings.profile)
    with opened_vault(settings) as vault:
        prices = load_prices(vault.store.configuration.region)
        report = cost_report(vault, prices, profiles, years=years, quota_gb=settings.storage_quota_gb)
    unconfirmed = report.prices.unconfirmed
    show_report(report, _print, ok=report.ok, as_json=as_json, without={"inventory"}, unconfirmed_prices=unconfirmed)
    if png is not None:
        with writing_beside():
            _draw(report, png)
    raise typer.Exit(ExitCode.OK if report.ok else ExitCode.FAILED)


def _draw(report: CostReport, target: Path) -> None:
    from signal_backups.core.cost.chart import cost_chart  # noqa: PLC0415  it takes longer to load than the rest

    write_file(target, cost_chart(report.forecasts, report.prices))


def _print(report: CostReport) -> None:
    _print_stored(report)
    print_line(f"In all {size(report.inventory.bytes)}, {_usd(report.bill.usd_per_month)} a month")
    if report.growth:
        print_line(
            f"Growth {size(report.growth.bytes)} a day (median of the newest {report.growth.measured_days} backups)"
        )
    _print_forecasts(report)
    if report.quota:
        print_line(_quota(report.quota))
    prices = report.prices
    print_line(f"List prices of {prices.region} as of {prices.as_of}; not confirmed: {', '.join(prices.unconfirmed)}")
    for statement in report.statements:
        print_line(f"Note: {statement}")


def _print_stored(report: CostReport) -> None:
    if not report.bill.groups:
        return
    print_table(
        "Stored now",
        ("kind", "class", "state", "objects", "bytes", "billed", "a month"),
        [
            (
                group.stored.kind,
                group.stored.storage_class,
                group.stored.state,
                str(group.stored.objects),
                size(group.stored.bytes),
                size(group.billed_bytes),
                _usd(group.usd_per_month),
            )
            for group in report.bill.groups
        ],
    )


def _print_forecasts(report: CostReport) -> None:
    if not report.forecasts:
        return
    by_year = zip(*(found.years for found in report.forecasts), strict=True)
    rows = [(str(year), *map(_usd, costs)) for year, costs in enumerate(by_year, 1)]
    print_table(
        "Forecast, by year and profile",
        ("year", *(found.name for found in report.forecasts)),
        [*rows, ("in all", *(_usd(found.total_usd) for found in report.forecasts))],
    )


def _quota(quota: Quota) -> str:
    left = "" if quota.days_left is None else f", full in {quota.days_left} days at this growth"
    return f"Quota {quota.state.upper()}: {quota.used_gb:.3f} of {quota.quota_gb:g} GB used ({quota.share:.1%}){left}"


def _usd(amount: float) -> str:
    return f"under ${_LEAST_SHOWN_USD}" if 0 < amount < _LEAST_SHOWN_USD else f"${amount:,.2f}"
