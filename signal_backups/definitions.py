"""What Dagster loads: ``signal_backups.definitions``."""

from signal_backups.orchestration.build import build_defs

defs = build_defs()
