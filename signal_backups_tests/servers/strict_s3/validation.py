"""The lifecycle configurations that S3 refuses."""

from __future__ import annotations

from datetime import UTC, time
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from signal_backups_tests.servers.strict_s3.rules import WATERFALL, filter_of
from signal_backups_tests.servers.strict_s3.state import S3Error

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MAX_RULES = 1000
#: Days in STANDARD before a transition to infrequent access, and in infrequent access before the next transition.
INFREQUENT_DAYS = 30
_INFREQUENT = {"STANDARD_IA", "ONEZONE_IA"}
_ACTIONS = {
    "Expiration",
    "Transitions",
    "NoncurrentVersionExpiration",
    "NoncurrentVersionTransitions",
    "AbortIncompleteMultipartUpload",
}


def validate(rules: Sequence[Mapping[str, Any]]) -> None:
    """Refuse what AWS refuses.

    Raises:
        S3Error: 400 ``MalformedXML``, ``InvalidRequest`` or ``InvalidArgument``.
    """
    if not 1 <= len(rules) <= MAX_RULES:
        raise _malformed(f"{len(rules)} rules")
    ids = [rule["ID"] for rule in rules if rule.get("ID")]
    if len(set(ids)) < len(ids):
        raise _argument("Rule ID must be unique. Found same ID for more than one rule")
    if len({"Filter" in rule for rule in rules}) > 1:
        raise _request("Base level prefix cannot be used in Lifecycle V2, prefixes are only supported in the Filter.")
    for rule in rules:
        _check_frame(rule)
        _check_filter(rule)
        _check_expiration(rule)
        _check_abort(rule)
        _check_current(rule)
        _check_noncurrent(rule)


def _check_frame(rule: Mapping[str, Any]) -> None:
    if rule.get("Status") not in {"Enabled", "Disabled"}:
        raise _malformed("Status")
    if len(rule.get("ID", "")) > 255:
        raise _argument("ID length should not exceed allowed limit of 255")
    if ("Filter" in rule) == ("Prefix" in rule):
        raise _malformed("a rule has either a Filter or a Prefix")
    if not _ACTIONS & set(rule):
        raise _request("At least one action needs to be specified in a rule")


def _check_filter(rule: Mapping[str, Any]) -> None:
    if len(rule.get("Filter", {})) > 1:
        raise _malformed("a Filter has one element; several go into its And")
    found = filter_of(rule)
    if found.larger_than is not None and found.smaller_than is not None and found.larger_than >= found.smaller_than:
        raise _request("'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'.")


def _check_expiration(rule: Mapping[str, Any]) -> None:
    if "Expiration" not in rule:
        return
    expiration = rule["Expiration"]
    if len(expiration) != 1:
        raise _malformed("an Expiration has one of Days, Date, ExpiredObjectDeleteMarker")
    if expiration.get("Days", 1) < 1:
        raise _argument("'Days' for Expiration action must be a positive integer")
    if "ExpiredObjectDeleteMarker" in expiration and filter_of(rule).tags:
        raise _request("ExpiredObjectDeleteMarker cannot be specified with Tags.")


def _check_abort(rule: Mapping[str, Any]) -> None:
    if "AbortIncompleteMultipartUpload" not in rule:
        return
    if filter_of(rule).tags:
        raise _request("AbortIncompleteMultipartUpload cannot be specified with Tags.")
    if filter_of(rule).by_size:
        raise _request("AbortIncompleteMultipartUpload cannot be specified with Object Size.")
    if rule["AbortIncompleteMultipartUpload"].get("DaysAfterInitiation", 0) < 1:
        raise _argument("'DaysAfterInitiation' for AbortIncompleteMultipartUpload action must be a positive integer")


def _check_current(rule: Mapping[str, Any]) -> None:
    transitions, expiration = rule.get("Transitions", []), rule.get("Expiration", {})
    timed = [*transitions, *([expiration] if {"Days", "Date"} & set(expiration) else [])]
    if any(("Days" in action) == ("Date" in action) for action in timed):
        raise _malformed("an action has either Days or a Date")
    if len({"Date" in action for action in timed}) > 1:
        raise _request("Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule")
    for date in (action["Date"].astimezone(UTC) for action in timed if "Date" in action):
        if date.time() != time(0):
            raise _argument("'Date' must be at midnight GMT")
    dated = any("Date" in action for action in timed)
    steps = [(each["StorageClass"], _number(each)) for each in transitions]
    _check_transitions(steps, since_creation=not dated)
    if steps and timed[-1] is expiration and _number(expiration) <= max(days for _, days in steps):
        raise _argument("'Days' in the Expiration action must be greater than 'Days' in the Transition action")


def _check_noncurrent(rule: Mapping[str, Any]) -> None:
    transitions, expiration = rule.get("NoncurrentVersionTransitions", []), rule.get("NoncurrentVersionExpiration")
    actions = [*transitions, *([] if expiration is None else [expiration])]
    for action in actions:
        if "NoncurrentDays" not in action:
            raise _malformed("NoncurrentDays")
        if not 1 <= action.get("NewerNoncurrentVersions", 1) <= 100:
            raise _argument("'NewerNoncurrentVersions' must be between 1 and 100")
        if "NewerNoncurrentVersions" in action and "Filter" not in rule:
            raise _request("NewerNoncurrentVersions can only be used with a Filter")
    steps = [(each["StorageClass"], each["NoncurrentDays"]) for each in transitions]
    _check_transitions(steps, since_creation=True)
    if expiration is None:
        return
    if expiration["NoncurrentDays"] < 1:
        raise _argument("'NoncurrentDays' for NoncurrentVersionExpiration action must be a positive integer")
    if steps and expiration["NoncurrentDays"] <= max(days for _, days in steps):
        raise _argument("'NoncurrentDays' of NoncurrentVersionExpiration must be greater than of its transitions")


def _check_transitions(transitions: Sequence[tuple[str, int]], *, since_creation: bool) -> None:
    """Check transitions, each a class and a number of days; those of dates count from no creation."""
    classes = [storage_class for storage_class, _ in transitions]
    if not set(classes) <= set(WATERFALL[1:]):
        raise _malformed(f"StorageClass {classes}")
    if len(set(classes)) < len(classes):
        raise _request("'StorageClass' must be different for 'Transition' actions in same 'Rule'")
    for storage_class, days in transitions:
        if days < 0:
            raise _argument("'Days' for Transition action must be nonnegative")
        if since_creation and storage_class in _INFREQUENT and days < INFREQUENT_DAYS:
            raise _argument(
                f"'Days' in Transition action must be greater than or equal to 30 for storageClass '{storage_class}'"
            )
    descending = sorted(transitions, key=lambda step: WATERFALL.index(step[0]))
    for (upper, earlier), (lower, later) in pairwise(descending):
        gap = INFREQUENT_DAYS if upper in _INFREQUENT else 1
        if later - earlier < gap:
            raise _argument(f"'Days' of the transition to '{lower}' must be {gap} days more than of that to '{upper}'")


def _number(action: Mapping[str, Any]) -> int:
    return action["Days"] if "Days" in action else action["Date"].astimezone(UTC).toordinal()


def _malformed(what: str) -> S3Error:
    return S3Error(400, "MalformedXML", f"The XML did not validate against our published schema: {what}")


def _argument(message: str) -> S3Error:
    return S3Error(400, "InvalidArgument", message)


def _request(message: str) -> S3Error:
    return S3Error(400, "InvalidRequest", message)
