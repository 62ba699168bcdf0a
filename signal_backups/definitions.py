"""What Dagster loads: ``signal_backups.definitions``."""

from signal_backups.core.logs import configure_logging
from signal_backups.core.settings import load_log_settings
from signal_backups.orchestration.build import build_defs

# Every process of Dagster that runs our code imports this first.
configure_logging(load_log_settings())
defs = build_defs()
