"""Loads retention profiles, shipped or from a TOML file, and checks them against S3's rules."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from pathlib import Path

from pydantic import ValidationError

from signal_backups.core.base.errors import SettingsError
from signal_backups.core.retention.profile import Profile
from signal_backups.core.retention.rules import profile_findings

_SHIPPED = files("signal_backups.core.retention") / "profiles"


def shipped_profiles() -> list[str]:
    """Names of the shipped profiles."""
    return sorted(entry.name.removesuffix(".toml") for entry in _SHIPPED.iterdir() if entry.name.endswith(".toml"))


def load_profile(name_or_path: str) -> Profile:
    """A shipped profile by its name, or a profile from a TOML file by its path.

    Raises:
        SettingsError: there is no such profile, or it is invalid; the message says why.
    """
    if name_or_path in shipped_profiles():
        return _parsed((_SHIPPED / f"{name_or_path}.toml").read_text("utf-8"), name_or_path)
    path = Path(name_or_path)
    if path.suffix != ".toml" or not path.is_file():
        known = ", ".join(shipped_profiles())
        raise SettingsError(
            f"no retention profile {name_or_path!r}", remedy=f"Use one of: {known}; or the path of a .toml file"
        )
    try:
        profile = _parsed(path.read_text("utf-8"), name_or_path)
    except (OSError, UnicodeDecodeError) as error:
        raise _invalid(name_or_path, [f"the file cannot be read as UTF-8 text: {error}"]) from error
    if profile.name in shipped_profiles():
        raise _invalid(name_or_path, [f"name: {profile.name} is the name of a shipped profile"])
    return profile


def _parsed(text: str, name: str) -> Profile:
    try:
        profile = Profile.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise _invalid(name, [str(error)]) from error
    except ValidationError as error:
        findings = [f"{'.'.join(map(str, item['loc'])) or 'profile'}: {item['msg']}" for item in error.errors()]
        raise _invalid(name, findings) from error
    if findings := profile_findings(profile):
        raise _invalid(name, findings)
    return profile


def _invalid(name: str, findings: list[str]) -> SettingsError:
    return SettingsError(
        f"retention profile {name} is not valid: {'; '.join(findings)}",
        remedy="Fix the file; nothing was changed",
    )
