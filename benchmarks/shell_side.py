r"""The engines' own shells: ``.import`` of sqlite3 and ``\copy`` of psql; run by ``restore_million``.

They load into a table of our own making (the import of a day without rows), so schema and indexes are the same. What is
timed is the shell, from its start to its end. ``.import`` stores an empty text where the CSV has NULL, and ``\copy``
stores NULL as we do; neither verifies anything. The sqlite3 shell keeps its own page cache of 2 MB, where we set 64.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks.measuring import Figures
from benchmarks.signal_tables import DAY, TABLE
from signal_backups.core.restore.targets.contract import DayToImport
from signal_backups.core.restore.targets.open_target import open_target

#: Engine -> SQL for the columns and indexes of the table: the sides must have loaded into the same.
_DEFINITIONS = {
    "sqlite": f"SELECT group_concat(sql, '; ') FROM sqlite_master WHERE tbl_name = '{TABLE}'",
    "postgres": "SELECT concat_ws('; ', "
    "(SELECT string_agg(column_name || ' ' || data_type || ' ' || is_nullable, ', ' ORDER BY ordinal_position) "
    f"FROM information_schema.columns WHERE table_name = '{TABLE}'), "
    "(SELECT string_agg(indexdef, '; ' ORDER BY indexname) FROM pg_indexes "
    f"WHERE tablename = '{TABLE}'))",
}


def main(engine: str, target: str, csv: Path) -> None:
    figures = Figures()
    make_empty_table(target, csv)
    with figures.stage("import"):
        run_shell(engine, target, load_command(engine, csv))
    figures.facts = {"tool": tool_of(engine), **shape_of(engine, target)}
    figures.report()


def make_empty_table(target: str, csv: Path) -> None:
    """Let our target make the table, as it does before an import."""
    only_header = csv.with_suffix(".header.csv")
    with csv.open("rb") as file:
        only_header.write_bytes(file.readline())
    open_target(target, TABLE).import_day(DayToImport(DAY, only_header, 0, "sha256"))
    only_header.unlink()


def load_command(engine: str, csv: Path) -> str:
    if engine == "sqlite":
        return f".import --csv --skip 1 '{csv}' {TABLE}"
    return f"\\copy {TABLE} from '{csv}' csv header"


def run_shell(engine: str, target: str, command: str) -> str:
    """Run one command in the engine's shell; returns what it prints."""
    shell = ["sqlite3", "-init", "/dev/null", "-batch", "-bail", urlsplit(target).path[1:], command]
    if engine == "postgres":
        shell = ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", target, "-c", command]
    finished = subprocess.run(shell, stdout=subprocess.PIPE, text=True, check=True)
    return finished.stdout.strip()


def shape_of(engine: str, target: str) -> dict[str, int | str]:
    """How many rows a side ended with, in which table."""
    return {
        "rows": int(run_shell(engine, target, f"SELECT count(*) FROM {TABLE}")),
        "table": run_shell(engine, target, _DEFINITIONS[engine]),
    }


def tool_of(engine: str) -> str:
    shell = "sqlite3" if engine == "sqlite" else "psql"
    finished = subprocess.run([shell, "--version"], stdout=subprocess.PIPE, text=True, check=True)
    return f"{shell} {next(word for word in finished.stdout.split() if word[0].isdigit())}"


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
