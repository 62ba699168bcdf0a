"""What Dagster loads: ``signal_backups.definitions``."""

from signal_backups.core.base.logs import configure_logging
from signal_backups.core.config.settings import load_log_settings
from signal_backups.orchestration.build import build_defs

# Every process of Dagster that runs our code imports this first.
_logs = load_log_settings()
configure_logging(_logs.log_format, _logs.log_level, _logs.log_file)
defs = build_defs()
