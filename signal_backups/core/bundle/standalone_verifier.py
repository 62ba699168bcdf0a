"""Checks a bundle of signal backups with nothing but this file and Python, 3.8 or newer: no packages, no network.

    python3 verify.py [FOLDER|ZIP] [--head SHA256]

1. SHA256SUMS is exactly what the files give, and there is no file that nothing else speaks of.
2. The entries of the two chains, manifests/ and events.jsonl, are numbered from 1 without a gap, and each carries the
   SHA-256 of the entry before: none can be changed, left out or slipped in without changing all that follow.
3. The statements in anchors/ and bundle.json: each names the last entries of both chains at a time, and so fixes all
   that was in them. A time stamp fixes when that was; its signature is for OpenSSL, the command is printed.
4. Every day of bundle.json: of its manifests the one with the highest number counts. The files have the size and the
   SHA-256 it says, the rows their number and Merkle root, each row gives its own hash, and no signal is there twice.

Who can write everything can make another bundle that fits, this file too. So take verify.py from somebody you trust,
and hold the bundle against what nobody could change: a time stamp, or a statement's SHA-256 you were given (--head).
Exit code: 0 nothing is wrong, 1 something is, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import base64
import itertools
import json
import re
import sys
import zipfile
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, Callable, Iterable, Iterator

FIRST = "0" * 64  # what the first entry of a chain carries
FIELDS = {"format", "bucket", "prefix", "from", "to", "made_at", "by", "statement", "days", "totals"}
NUMBERS = ("confidence", "entry_price", "stop_price", "target_price")
HASHED = (*NUMBERS, "action", "signal_id", "strategy", "symbol", "timestamp")
CSV_FIELD = re.compile(r'(?:"([^"]*(?:""[^"]*)*)"|([^",\r\n]*))(,|\r?\n)')  # in quotes or plain, then what ends it
ALWAYS_THERE = ("SHA256SUMS", "bundle.json", "events.jsonl", "index.html", "verify.py")
NAMED_ROWS = 10  # of one file


class Files:
    """The files of a folder or a ZIP, by name."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.zip = zipfile.ZipFile(path) if path.is_file() else None
        inside = [file.relative_to(path).as_posix() for file in path.rglob("*") if not file.is_dir()]
        self.names = sorted(name for name in self.zip.namelist() if name[-1:] != "/") if self.zip else sorted(inside)

    def open(self, name: str) -> IO[bytes]:
        if name not in self.names:  # nothing outside is opened, whatever a file says
            raise ValueError("it is not in the bundle")
        return self.zip.open(name) if self.zip else (self.path / name).open("rb")

    def text(self, name: str) -> str:
        with self.open(name) as file:
            return file.read().decode("utf-8")


def digest(file: IO[bytes]) -> tuple[int, str]:
    """Size and SHA-256."""
    size, found = 0, sha256()
    for chunk in iter(lambda: file.read(1024 * 1024), b""):
        size += len(chunk)
        found.update(chunk)
    return size, found.hexdigest()


class Tree:
    """The Merkle tree of RFC 6962, section 2.1, as (leaves, hash) of the full subtrees so far, the largest first."""

    def __init__(self) -> None:
        self.subtrees: list[tuple[int, bytes]] = []

    def add(self, data: bytes) -> None:
        leaves, node = 1, sha256(b"\x00" + data).digest()
        while self.subtrees and self.subtrees[-1][0] == leaves:
            node = sha256(b"\x01" + self.subtrees.pop()[1] + node).digest()
            leaves *= 2
        self.subtrees.append((leaves, node))

    def root(self) -> str:
        root = self.subtrees[-1][1] if self.subtrees else sha256(b"").digest()
        for _, left in reversed(self.subtrees[:-1]):
            root = sha256(b"\x01" + left + root).digest()
        return root.hex()


def records(lines: Iterable[bytes]) -> Iterator[list[Any]]:
    """The records of a CSV (RFC 4180, UTF-8). A field with nothing in it, not even quotes, is None."""
    record, within_quotes = [], False
    for line in lines:
        record.append(line)
        within_quotes ^= line.count(b'"') % 2 == 1
        if within_quotes:
            continue  # this line break is part of a field
        text, fields, position = b"".join(record).decode("utf-8"), [], 0
        while position < len(text):
            match = CSV_FIELD.match(text, position)
            if match is None:
                raise ValueError(f"not a CSV, or cut off, at {text[position : position + 40]!r}")
            fields.append(match[2] or None if match[1] is None else match[1].replace('""', '"'))
            position = match.end()
        yield fields
        record = []
    if record:
        raise ValueError("the last quote is never closed")


def fault_of(row: dict[str, Any]) -> str | None:
    """What is wrong with a row: its hash has to be that of the nine fields as JSON, numbers as Python writes a double.

    Some producers hashed 87.0 as 87. So a whole number has two forms, and any combination of them may be the one.
    """
    forms: list[list[Any]] = [[row[name]] for name in HASHED]
    if [None] in forms:
        return "a field is missing"
    for place, name in enumerate(NUMBERS):
        try:
            number = float(row[name])
        except ValueError:
            return f"{name} is not a number"
        forms[place] = [number, int(number)] if number.is_integer() else [number]
        if row[name] not in map(repr, forms[place]):
            return f"{name} is not written as backups write numbers"
    for values in itertools.product(*forms):
        text = json.dumps(dict(zip(HASHED, values)), sort_keys=True)
        if sha256(text.encode("ascii")).hexdigest() == row["verification_hash"]:
            return None
    return "it does not give its hash"


class Check:
    """One check of one bundle. Chains and roots are by number, 0 being what a chain without entries gives."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.findings: list[str] = []  # what is wrong
        self.notes: list[str] = []  # what a reader should know
        self.statements: dict[str, str] = {}  # SHA-256 of a statement: the file it is in
        self.events, self.manifests, self.roots = {0: FIRST}, {0: FIRST}, {0: Tree().root()}
        self.of_day: dict[str, Any] = {}  # the manifest that counts
        self.spoken_of = set(ALWAYS_THERE)

    def wrong(self, where: str, what: str) -> None:
        self.findings.append(f"{where}: {what}")

    def attempt(self, where: str, check: Callable[..., Any], *arguments: Any) -> Any:
        """Run a check. Damaged files make it fail in any way there is; that is a finding, and the others go on."""
        try:
            return check(*arguments)
        except Exception as error:
            self.wrong(where, f"cannot be checked, {type(error).__name__}: {error}")
            return None

    def all(self) -> None:
        self.files = Files(self.path)
        if self.files.zip:
            self.attempt(self.path.name, self.zip_itself)
        self.attempt("SHA256SUMS", self.sums)
        self.attempt("manifests/", self.chain_of_manifests)
        self.attempt("events.jsonl", self.chain_of_events)
        is_read = self.attempt("bundle.json", self.bundle)
        for name in sorted(set(self.files.names) - self.spoken_of) if is_read else ():
            self.wrong(name, "nothing in the bundle speaks of this file")
        for name in sorted(set(ALWAYS_THERE) - set(self.files.names)):
            self.wrong(name, "is missing")

    def zip_itself(self) -> None:
        beside = self.path.with_name(f"{self.path.name}.sha256")
        if not beside.exists():
            self.notes.append(f"There is no {beside.name}: what is in the ZIP was checked, not the ZIP itself.")
            return
        with self.path.open("rb") as file:
            if beside.read_bytes() != f"{digest(file)[1]}  {self.path.name}\n".encode():
                self.wrong(self.path.name, f"does not have the SHA-256 in {beside.name}: one of them was changed")

    def sums(self) -> None:
        right = []
        for name in self.files.names:
            if name != "SHA256SUMS":
                found = self.attempt(name, self.digest_of, name) or (0, "?" * 64)
                right.append(f"{found[1]}  {name}")
        text = "".join(f"{line}\n" for line in right)
        with self.files.open("SHA256SUMS") as file:
            if (body := file.read()) == text.encode("utf-8"):
                return
        lines = body.decode("utf-8", "replace").split("\n")
        for line in sorted(set(right) - set(lines)):
            self.wrong(line[66:], f"SHA256SUMS does not have its SHA-256, {line[:64]}: one of them was changed")
        for line in sorted(set(lines) - set(right) - {""}):
            self.wrong("SHA256SUMS", f"no file gives its line {line!r}")
        self.wrong("SHA256SUMS", "is not exactly what the files give")

    def digest_of(self, name: str) -> tuple[int, str]:
        with self.files.open(name) as file:
            return digest(file)

    def chain_of_manifests(self) -> None:
        tree = Tree()
        for number in range(1, 1 + sum(name.startswith("manifests/") for name in self.files.names)):
            name = f"manifests/{number:010d}.json"
            self.spoken_of.add(name)
            body = self.attempt(name, self.files.text, name) or ""
            manifest = self.attempt(name, self.link, name, self.manifests, body.encode("utf-8"))
            tree.add(bytes.fromhex(self.manifests[number]))
            self.roots[number] = tree.root()
            if manifest is not None:
                self.of_day[manifest["day"]] = manifest

    def chain_of_events(self) -> None:
        told = set()
        with self.files.open("events.jsonl") as lines:
            for number, line in enumerate(lines, 1):
                where = f"events.jsonl, event {number}"
                event = self.attempt(where, self.link, where, self.events, line)
                told.add(self.attempt(where, self.manifest_of_event, where, event) if event else None)
        for number in sorted(set(self.manifests) - told - {0}):
            self.notes.append(f"manifests/{number:010d}.json: no event says that it was written.")

    def link(self, where: str, chain: dict[int, str], body: bytes) -> Any:
        """Append an entry to its chain, and see whether it belongs there."""
        number, previous = len(chain), chain[len(chain) - 1]
        chain[number] = sha256(body).hexdigest()
        entry = json.loads(body.decode("utf-8"))
        if (entry["number"], entry["previous"]) != (number, previous):
            self.wrong(where, "is not this number, or does not carry the SHA-256 of the entry before")
        return entry

    def manifest_of_event(self, where: str, event: Any) -> int:
        """The number of the manifest that was written, 0 if none was."""
        said = event["details"].get("manifest", {"number": 0, "sha256": FIRST})
        if self.manifests.get(said["number"]) != said["sha256"]:
            self.wrong(where, f"manifest {said['number']} is not the one that it speaks of")
        return int(said["number"])

    def bundle(self) -> bool:
        text = self.files.text("bundle.json")
        bundle = json.loads(text)
        right = {**bundle, "prefix": str(bundle["prefix"]), "by": str(bundle["by"]), "format": 1}
        if set(bundle) != FIELDS or text != json.dumps(right, indent=2) + "\n":
            self.wrong("bundle.json", "is not written as that of a bundle of format 1")
        last = self.attempt("bundle.json", self.statement, "bundle.json", bundle["statement"], bundle["bucket"])
        if last != (bundle["made_at"], len(self.events) - 1, len(self.manifests) - 1):
            self.wrong("bundle.json", "its statement is not of its time, or not about the last event and manifest")
        for name in self.files.names:
            if re.fullmatch(r"anchors/[^./]+\.json", name):
                self.attempt(name, self.anchor, name, bundle["bucket"])
        begin, end, days = date.fromisoformat(bundle["from"]), date.fromisoformat(bundle["to"]), bundle["days"]
        if [day["day"] for day in days] != [str(begin + timedelta(n)) for n in range((end - begin).days + 1)]:
            self.wrong("bundle.json", f"does not give every day from {begin} to {end}, in order")
        for day in days:
            self.attempt(f"bundle.json, {day['day']}", self.day, day, self.of_day.get(day["day"]))
        backed_up = [day["records"] for day in days if "csv" in day]
        if bundle["totals"] != {"days": len(days), "backed_up": len(backed_up), "records": sum(backed_up)}:
            self.wrong("bundle.json", "its totals are not those of its days")
        return True

    def statement(self, where: str, text: str, bucket: str) -> tuple[str, int, int]:
        """When it was made, and the numbers of the last event and the last manifest then."""
        self.statements[sha256(text.encode("utf-8")).hexdigest()] = where
        said = json.loads(text)
        event, manifest = said["events"]["number"], said["manifests"]["number"]
        head = {"number": manifest, "sha256": self.manifests.get(manifest), "root": self.roots.get(manifest)}
        right = {"at": said["at"], "bucket": bucket, "events": {"number": event, "sha256": self.events.get(event)}}
        right.update(format=1, manifests=head)
        if text != json.dumps(right, sort_keys=True, separators=(",", ":")) + "\n":
            self.wrong(where, f"its statement is not about event {event} and manifest {manifest} as they are here")
        return said["at"], event, manifest

    def anchor(self, name: str, bucket: str) -> None:
        text, stem = self.files.text(name), name[: -len(".json")]
        anchor = json.loads(text)
        self.spoken_of |= {name, f"{stem}.statement.json"}
        self.statement(name, anchor["statement"], bucket)
        stamps = [{"authority": str(stamp["authority"]), "token": stamp["token"]} for stamp in anchor["timestamps"]]
        right = {"format": 1, "statement": anchor["statement"], "timestamps": stamps}
        if text != json.dumps(right, indent=2) + "\n":
            self.wrong(name, "is not written as an anchor of format 1")
        if self.files.text(f"{stem}.statement.json") != anchor["statement"]:
            self.wrong(f"{stem}.statement.json", f"is not the statement in {name}")
        for number, stamp in enumerate(stamps, 1):
            token, file = base64.b64decode(stamp["token"], validate=True), f"{stem}.{number}.tsr"
            self.spoken_of.add(file)
            if self.digest_of(file)[1] != sha256(token).hexdigest():
                self.wrong(file, f"is not time stamp {number} in {name}")
            if sha256(anchor["statement"].encode("utf-8")).digest() not in token:
                self.wrong(name, f"time stamp {number} is not of its statement")
            command = f"openssl ts -verify -data {stem}.statement.json -in {file} -CAfile ca.pem"
            self.notes.append(f"Stamped by {stamp['authority']}. To check the signature: {command}")

    def day(self, day: Any, manifest: Any) -> None:
        """Hold a day of bundle.json against the manifest that counts; without one it must not pass for backed up."""
        for name in day.get("unvouched", []):
            self.spoken_of.add(name)
            self.attempt(name, self.rows, name, None)
        if manifest is None:
            self.notes.append(f"{day['day']}: no manifest of the chain vouches for a backup. {day['missing']}")
            right = {key: day[key] for key in ("day", "missing", "unvouched") if key in day}
        else:
            right = {"day": day["day"], "manifest": manifest["number"], "records": manifest["records"]}
            for part, stored in (("csv", manifest["backup"]), ("quarantine", manifest["quarantine"])):
                if stored is not None:
                    right[part] = stored["key"]
                    self.spoken_of.add(stored["key"])
                    found = self.attempt(stored["key"], self.digest_of, stored["key"])
                    if found != (stored["bytes"], stored["sha256"]):
                        self.wrong(stored["key"], "does not have the size and the SHA-256 that its manifest says")
            self.attempt(right["csv"], self.rows, right["csv"], manifest)
        if day != right:
            self.wrong(f"bundle.json, {day['day']}", f"is {day}, its manifest says {right}")

    def rows(self, name: str, manifest: Any) -> None:
        ids, bad, number, tree = set(), 0, 0, Tree()
        with self.files.open(name) as file:
            rows = records(file)
            header = ["verification_hash" if column == "sha256" else column for column in next(rows, [])]
            if not {*HASHED, "verification_hash"} <= set(header) or len(set(header)) < len(header):
                raise ValueError("the first line is not that of a backup")
            for number, values in enumerate(rows, 1):
                if len(values) != len(header):
                    raise ValueError(f"row {number} has {len(values)} fields, not {len(header)}")
                row: dict[str, Any] = dict(zip(header, values))
                fault = "its signal is there twice" if row["signal_id"] in ids else fault_of(row)
                ids.add(row["signal_id"])
                if fault is None:
                    tree.add(bytes.fromhex(row["verification_hash"]))
                    continue
                bad += 1
                if bad <= NAMED_ROWS:
                    self.wrong(f"{name}, row {number}", fault)
        if manifest and (number - bad, tree.root()) != (manifest["records"], manifest["merkle_root"] or tree.root()):
            self.wrong(name, f"its {number - bad} good rows are not those of its manifest, or not in that order")


def main() -> int:
    parser = argparse.ArgumentParser(description="Check a bundle of signal backups.")
    parser.add_argument("path", nargs="?", default=Path(__file__).parent, type=Path, help="default: this folder")
    parser.add_argument("--head", metavar="SHA256", help="SHA-256 of a statement that has to be in the bundle")
    arguments = parser.parse_args()
    if not arguments.path.exists():
        parser.error(f"there is nothing at {arguments.path}")
    if arguments.head is not None and not re.fullmatch("[0-9a-f]{64}", arguments.head):
        parser.error("--head takes a SHA-256: 64 of the characters 0-9a-f")
    check = Check(arguments.path.resolve())
    check.attempt(check.path.name, check.all)
    if arguments.head is not None and arguments.head not in check.statements:
        check.wrong("--head", "no statement in this bundle has this SHA-256")
    lines = [f"Note: {note}" for note in check.notes]
    lines += [f"Statement {found} in {name}" for found, name in check.statements.items()]
    lines += [f"WRONG {finding}" for finding in check.findings]
    for line in lines:  # what damaged files hold must not steer the terminal
        print("".join(letter if " " <= letter <= "~" else "?" for letter in line))
    counts = f"{len(check.manifests) - 1} manifests and {len(check.events) - 1} events were checked"
    print(f"FAILED: {len(check.findings)} findings; {counts}" if check.findings else f"OK: {counts}")
    return 1 if check.findings else 0


if __name__ == "__main__":
    sys.exit(main())
