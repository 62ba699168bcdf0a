"""What lifecycle rules do to a bucket as days pass.

A pass is made at a midnight (UTC). A key is looked at again only when something may be due for one of its versions.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Literal
from urllib.parse import quote

from signal_backups_tests.servers.strict_s3.clock import http_date, round_up_to_midnight
from signal_backups_tests.servers.strict_s3.rules import WATERFALL

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from signal_backups_tests.servers.strict_s3.rules import Rule
    from signal_backups_tests.servers.strict_s3.state import Bucket, Version

Kind = Literal["delete", "transition", "mark"]
#: What comes first when several actions are due for one version.
_PRECEDENCE: dict[Kind, int] = {"delete": 0, "transition": 1, "mark": 2}


@dataclass(frozen=True)
class LifecycleEvent:
    """What a rule did to a version at a midnight (UTC): deletion, a delete marker on top, or a transition."""

    at: datetime
    bucket: str
    key: str
    version_id: str
    action: Kind
    rule_id: str
    storage_class: str


@dataclass(frozen=True)
class _Action:
    due: datetime
    kind: Kind
    version: Version
    rule_id: str
    storage_class: str = ""

    @property
    def rank(self) -> tuple[int, int]:
        # Of two classes the cheaper one wins.
        depth = WATERFALL.index(self.storage_class) if self.storage_class else 0
        return _PRECEDENCE[self.kind], -depth


def run_pass(bucket: Bucket, midnight: datetime) -> Iterator[LifecycleEvent]:
    """Do all that is due in a bucket at a midnight, at most one thing to each version."""
    _consider_changes(bucket)
    due_keys = set()
    while bucket.agenda and bucket.agenda[0][0] <= midnight:
        due_keys.add(heappop(bucket.agenda)[1])
    for key in sorted(due_keys):
        for action in _chosen(bucket, key, midnight):
            yield _done(bucket, action, midnight)
        bucket.changed.add(key)
    _consider_changes(bucket)


def _consider_changes(bucket: Bucket) -> None:
    for key in bucket.changed:
        dues = [action.due for action in _planned(bucket, key)]
        if dues:
            heappush(bucket.agenda, (min(dues), key))
    bucket.changed.clear()


def _chosen(bucket: Bucket, key: str, midnight: datetime) -> list[_Action]:
    best: dict[str, _Action] = {}
    for action in _planned(bucket, key):
        rival = best.get(action.version.id)
        if action.due <= midnight and (rival is None or action.rank < rival.rank):
            best[action.version.id] = action
    return list(best.values())


def _done(bucket: Bucket, action: _Action, midnight: datetime) -> LifecycleEvent:
    version = action.version
    if action.kind == "delete":
        bucket.remove(version)
    elif action.kind == "mark":
        bucket.hide(version.key, midnight)
    else:
        version.storage_class = action.storage_class
    return LifecycleEvent(
        midnight, bucket.name, version.key, version.id, action.kind, action.rule_id, version.storage_class
    )


def expiration_header(bucket: Bucket, version: Version) -> str | None:
    """``x-amz-expiration`` of a version: when its key expires, and by which rule; None unless it is the current one."""
    ends = [
        action for action in _planned(bucket, version.key) if action.version is version and action.kind != "transition"
    ]
    if bucket.current(version.key) is not version or not ends:
        return None
    first = min(ends, key=lambda action: action.due)
    return f'expiry-date="{http_date(first.due)}", rule-id="{quote(first.rule_id)}"'


def _planned(bucket: Bucket, key: str) -> Iterator[_Action]:
    """All that will happen to a key's versions as they are now, in no order."""
    versions = bucket.versions.get(key, [])
    for rule in bucket.rules:
        if not rule.enabled or not key.startswith(rule.filter.prefix):
            continue
        for index, version in enumerate(versions):
            if not rule.filter.matches(version):
                continue
            if index:
                yield from _of_noncurrent(bucket, rule, version, versions[index - 1].created, index - 1)
            elif version.is_marker:
                yield from _of_marker(rule, version, is_expired=len(versions) == 1)
            else:
                yield from _of_current(bucket, rule, version)


def _of_current(bucket: Bucket, rule: Rule, version: Version) -> Iterator[_Action]:
    if rule.expiration is not None:
        kind: Kind = "delete" if bucket.versioning is None else "mark"
        yield _Action(rule.expiration.due(version.created), kind, version, rule.id)
    for transition in rule.transitions:
        if rule.may_transition(version, transition.storage_class, bucket.minimum_size):
            due = transition.when.due(version.created)
            yield _Action(due, "transition", version, rule.id, transition.storage_class)


def _of_marker(rule: Rule, marker: Version, *, is_expired: bool) -> Iterator[_Action]:
    if is_expired and rule.expired_delete_markers:
        yield _Action(round_up_to_midnight(marker.created), "delete", marker, rule.id)
    elif is_expired and rule.expiration is not None:
        yield _Action(rule.expiration.due(marker.created), "delete", marker, rule.id)


def _of_noncurrent(bucket: Bucket, rule: Rule, version: Version, since: datetime, newer: int) -> Iterator[_Action]:
    if rule.noncurrent_expiration is not None and newer >= rule.noncurrent_kept and not version.legal_hold:
        due = rule.noncurrent_expiration.due(since)
        if version.retention is not None:
            # S3 tries every day; the first try that can succeed is all there is to see of that.
            due = max(due, round_up_to_midnight(version.retention.until))
        yield _Action(due, "delete", version, rule.id)
    for transition in rule.noncurrent_transitions:
        if newer >= transition.keep and rule.may_transition(version, transition.storage_class, bucket.minimum_size):
            yield _Action(transition.when.due(since), "transition", version, rule.id, transition.storage_class)
