"""Checks a bundle of signal backups with nothing but this file and Python, 3.8 or newer: no packages, no network.

    python3 verify.py [FOLDER] [--head SHA256]

1. SHA256SUMS is exactly what the files give, and there are only plain files. What index.html says is not checked.
2. The entries of the two logs, manifests/ and events.jsonl, are numbered from 1 without a gap, and each carries the
   SHA-256 of the entry before: none can be changed, left out or slipped in without changing all that follow.
3. The tree heads ("statement") in anchors/ and bundle.json name the last entries of both logs at a time, and so fix
   all before. A time stamp fixes when that was; its signature is for OpenSSL, the command is printed. With --head,
   that tree head has to be there, and every day's manifest has to be one of those it covers.
4. Every day of bundle.json: of its manifests the one with the highest number counts. Its files have the size and the
   SHA-256 it says, the rows their number and Merkle root, each row gives its own hash, no signal is there twice.
   That hash is not of columns beyond the twelve ("csv_format" 2): the Merkle root is, which the manifest fixes.

Who can write everything can make another bundle that fits, this file too. So take verify.py from somebody you trust,
and compare the bundle with what nobody could change: a time stamp, or a tree head's SHA-256 you were given (--head).
Exit code: 0 nothing is wrong, 1 something is, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import base64
import csv
import itertools
import json
import re
import sys
from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import NamedTuple

FIRST = {"number": 0, "sha256": "0" * 64}  # what comes before the first entry of a log
NUMBERS = ("confidence", "entry_price", "stop_price", "target_price")
HASHED = (*NUMBERS, "action", "signal_id", "strategy", "symbol", "timestamp")
ALWAYS_THERE = {"SHA256SUMS", "bundle.json", "events.jsonl", "index.html", "verify.py"}
TEXTS = ("bucket", "prefix", "from", "to", "made_at", "by", "statement")  # of bundle.json
MAX_FIELD_CHARACTERS = 16 * 1024 * 1024
NUL_MARK = "\ud800"  # cannot be in UTF-8: replaces NUL, which the csv of Python before 3.11 refuses
NAMED_ROWS = 10  # how many wrong rows of a file are named


class FindingError(Exception):
    """Ends one part of a check with a finding."""


class Finding(NamedTuple):
    file: str
    what: str


class TreeHead(NamedTuple):
    file: str  # that it is in
    event: int  # the last that it covers
    manifest: int


class TimeStamp(NamedTuple):
    file: str
    authority: str
    token: bytes
    statement: bytes  # the tree head that was stamped
    manifest: int  # the last that this covers


def file_hash(path):
    found = sha256()
    with path.open("rb") as file:
        for piece in iter(lambda: file.read(1024 * 1024), b""):
            found.update(piece)
    return found.hexdigest()


class MerkleTree:
    """RFC 6962, section 2.1: pairs of nodes are hashed together; a last one without a pair moves up."""

    def __init__(self):
        self.size, self.nodes = 0, []  # roots of full trees, the largest first

    def add(self, value):
        node, self.size = sha256(b"\x00" + value).digest(), self.size + 1
        size = self.size
        while size % 2 == 0:
            node, size = sha256(b"\x01" + self.nodes.pop() + node).digest(), size // 2
        self.nodes.append(node)

    def root(self):
        if not self.nodes:
            return sha256(b"").hexdigest()
        *others, root = self.nodes
        for left in reversed(others):
            root = sha256(b"\x01" + left + root).digest()
        return root.hex()


def same(found, right):
    """Whether two documents are the same as JSON (to Python, true and 1.0 equal 1), and can be written as UTF-8."""
    return json.dumps(found, ensure_ascii=False).encode() == json.dumps(right, ensure_ascii=False).encode()


def extra_columns(manifest):
    """The columns beyond the usual ones, which the Merkle root covers from format 2 of the CSV on."""
    return manifest["columns"][12:] if manifest and manifest.get("csv_format", 1) >= 2 else []


def gives_its_hash(row):
    """A row's hash is that of its nine fields as JSON, numbers as Python writes a double.

    Some producers hashed 87.0 as 87. So a whole number has two forms, and any combination of them may be the one.
    """
    forms = {name: [row[name]] for name in HASHED}
    for name in NUMBERS:
        number = float(row[name])
        forms[name] = [number, int(number)] if number.is_integer() else [number]
        if row[name] not in map(repr, forms[name]):
            return False
    signals = (dict(zip(forms, values)) for values in itertools.product(*forms.values()))
    texts = (json.dumps(signal, sort_keys=True, allow_nan=False) for signal in signals)
    hashes = (sha256(text.encode("ascii")).hexdigest() for text in texts)
    return all(row[name] for name in HASHED) and row["verification_hash"] in hashes  # no field has nothing in it


class RememberedLines:
    """The lines of a CSV; of the last row also as they are: to csv, nothing and an empty text are the same."""

    def __init__(self, file):
        self.file, self.read = file, []

    def __iter__(self):
        for line in self.file:
            self.read.append(line)
            yield line.replace("\0", NUL_MARK)

    def empty_as_null(self, row, extras):
        """The values of the row just read in these columns, None where there is nothing between two commas."""
        values = {name: row[name] for name in extras}
        if "" in values.values():
            fields = dict(zip(row, re.findall(r'(?:\A|,)("(?:[^"]|"")*"|[^,"\r\n]*)', "".join(self.read))))
            values = {name: value if fields[name] else None for name, value in values.items()}
        self.read.clear()
        return {name: value and value.replace(NUL_MARK, "\0") for name, value in values.items()}


class BundleCheck:
    """One check of one bundle. What a check yields is wrong."""

    def __init__(self, folder, head=None):
        self.folder, self.head = folder, head
        self.findings, self.notes = [], ["What index.html says is not checked."]
        self.bucket = self.first = self.last = None  # what bundle.json says; first and last day
        self.days, self.backed_up, self.records = 0, 0, 0
        self.manifests, self.events = [FIRST], [FIRST]  # number and SHA-256 of each entry
        self.tree = MerkleTree()  # of the manifests
        self.roots = [self.tree.root()]  # by number of manifests
        self.written = set()  # numbers of the manifests that an event says were written
        self.of_day = {}  # its manifests; the last one counts
        self.covering = {}  # days of bundle.json: the number of that manifest
        self.statements = {}  # tree heads by SHA-256
        self.stamps = []
        self.names, self.spoken_of = set(), set(ALWAYS_THERE)

    def wrong(self, file: str, what: str) -> None:
        self.findings.append(Finding(str(file), what))

    def attempt(self, where, check, *arguments):
        """Damaged files make a check fail in any way there is; that is a finding, and the others go on."""
        try:
            for what in check(*arguments) or ():
                self.wrong(where, what)
        except FindingError as error:
            self.wrong(where, str(error))
        except Exception as error:
            self.wrong(where, f"cannot be checked, {type(error).__name__}: {error}")

    def list_files(self):
        """Only plain files are read: links lead elsewhere, devices never end."""
        paths = {path.relative_to(self.folder).as_posix(): path for path in self.folder.rglob("*")}
        self.names = {name for name, path in paths.items() if path.is_file() and not path.is_symlink()}
        folders = {folder.as_posix() for name in self.names for folder in PurePosixPath(name).parents}
        for name in sorted(paths.keys() - self.names - folders):
            self.wrong(name, "is neither a plain file nor a folder that one is in")

    def all(self):
        csv.field_size_limit(MAX_FIELD_CHARACTERS)
        self.list_files()
        self.attempt("SHA256SUMS", self.sums)
        for number in range(1, 1 + sum(name.startswith("manifests/") for name in self.names)):
            self.attempt(f"manifests/{number:010d}.json", self.manifest, f"manifests/{number:010d}.json")
        self.attempt("events.jsonl", self.all_events)
        self.attempt("bundle.json", self.bundle)
        for name in sorted(self.names - self.spoken_of):
            self.wrong(name, "nothing in the bundle speaks of this file")
        for name in sorted(ALWAYS_THERE - self.names):
            self.wrong(name, "is missing")

    def path(self, name):
        self.spoken_of.add(name)
        if name not in self.names:  # nothing outside of the folder is looked at, whatever is said
            raise FindingError("is not in the bundle")
        return self.folder / name

    def read_json(self, text, **style):
        document = json.loads(text)
        if json.dumps(document, **style) + "\n" != text:
            raise FindingError("is not written as such documents are")
        return document

    def sums(self):
        right = [f"{file_hash(self.folder / name)}  {name}" for name in sorted(self.names - {"SHA256SUMS"})]
        listed = self.path("SHA256SUMS").read_bytes().decode("utf-8", "replace").split("\n")
        for line in sorted(set(right) - set(listed)):
            self.wrong(line[66:], f"its SHA-256 is {line[:64]}, which is not in SHA256SUMS: one of them was changed")
        if listed != [*right, ""]:
            yield "is not exactly what the files give"

    def append(self, log, body):
        log.append({"number": len(log), "sha256": sha256(body).hexdigest()})

    def linked(self, log, body):
        """The last entry of a log, which has to carry its number and the SHA-256 of the entry before."""
        entry, number, previous = json.loads(body.decode("utf-8")), len(log) - 1, log[-2]["sha256"]
        if not same([entry["number"], entry["previous"]], [number, previous]):
            raise FindingError(f"is not number {number}, or does not carry the SHA-256 of the entry before")
        return entry

    def manifest(self, name):
        body = b""
        try:
            body = self.path(name).read_bytes()
        finally:  # a missing one keeps its place
            self.append(self.manifests, body)
            self.tree.add(sha256(body).digest())
            self.roots.append(self.tree.root())
        manifest = self.linked(self.manifests, body)
        self.of_day.setdefault(date.fromisoformat(manifest["day"]), []).append(manifest)

    def all_events(self):
        with self.path("events.jsonl").open("rb") as lines:
            for number, line in enumerate(lines, 1):
                self.attempt(f"events.jsonl, event {number}", self.event, line)
        for number in sorted(set(range(1, len(self.manifests))) - self.written):
            self.notes.append(f"manifests/{number:010d}.json: no event says that it was written")

    def event(self, line):
        self.append(self.events, line)
        written = self.linked(self.events, line)["details"].get("manifest", FIRST)
        number = written["number"]
        found = self.manifests[number] if number in range(len(self.manifests)) else {}
        if not same({"number": number, "sha256": written["sha256"]}, found):
            yield f"manifest {number} is not the one that it speaks of"
        else:
            self.written.add(number)

    def statement(self, where, text, bucket):
        """Compare a tree head with the logs."""
        said = self.read_json(text, sort_keys=True, separators=(",", ":"))
        event, manifest = int(said["events"]["number"]), int(said["manifests"]["number"])
        self.statements[sha256(text.encode("utf-8")).hexdigest()] = TreeHead(where, event, manifest)
        if not (0 <= event < len(self.events) and 0 <= manifest < len(self.manifests)):
            raise FindingError(f"its tree head is about event {event} and manifest {manifest}, which are not both here")
        at = datetime.fromisoformat(said["at"][:19]).isoformat() + "Z"  # nothing else is written like that
        head = dict(sorted({**self.manifests[manifest], "root": self.roots[manifest]}.items()))
        if not same(said, {"at": at, "bucket": bucket, "events": self.events[event], "format": 1, "manifests": head}):
            yield f"its tree head is not about event {event} and manifest {manifest} as they are here"

    def own_statement(self, bundle):
        """That of the bundle, which has to be of its time and about the last entries."""
        yield from self.statement("bundle.json", bundle["statement"], bundle["bucket"])
        said = json.loads(bundle["statement"])
        last = [said["at"], said["events"]["number"], said["manifests"]["number"]]
        if not same(last, [bundle["made_at"], len(self.events) - 1, len(self.manifests) - 1]):
            yield "its tree head is not of its time, or not about the last event and manifest"

    def anchor(self, name, bucket):
        anchor, stem = self.read_json(self.path(name).read_bytes().decode("utf-8"), indent=2), name[: -len(".json")]
        stamps = [{field: str(stamp[field]) for field in ("authority", "token")} for stamp in anchor["timestamps"]]
        if not same(anchor, {"format": 1, "statement": str(anchor["statement"]), "timestamps": stamps}):
            yield "is not written as an anchor is"
        yield from self.statement(name, anchor["statement"], bucket)
        statement = anchor["statement"].encode("utf-8")
        if self.path(f"{stem}.statement.json").read_bytes() != statement:
            self.wrong(f"{stem}.statement.json", f"is not the tree head in {name}")
        for number, stamp in enumerate(stamps, 1):
            self.attempt(f"{stem}.{number}.tsr", self.stamp, f"{stem}.{number}.tsr", name, stamp, statement)

    def stamp(self, file, anchor, stamp, statement):
        token = base64.b64decode(stamp["token"], validate=True)
        if self.path(file).read_bytes() != token:
            yield f"is not the time stamp in {anchor}"
        digest = sha256(statement)
        if digest.digest() not in token:
            self.wrong(anchor, "its time stamp is not of its tree head")
        covered = self.statements[digest.hexdigest()].manifest
        self.stamps.append(TimeStamp(file, stamp["authority"], token, statement, covered))

    def bundle(self):
        bundle = self.read_json(self.path("bundle.json").read_bytes().decode("utf-8"), indent=2)
        texts = {name: str(bundle[name]) for name in TEXTS}
        if not same(bundle, {"format": 1, **texts, "days": bundle["days"], "totals": bundle["totals"]}):
            yield "is not that of a bundle of format 1"
        self.attempt("bundle.json", self.own_statement, bundle)
        for name in sorted(name for name in self.names if re.fullmatch(r"anchors/[^./]+\.json", name)):
            self.attempt(name, self.anchor, name, bundle["bucket"])
        first, last, days = date.fromisoformat(bundle["from"]), date.fromisoformat(bundle["to"]), bundle["days"]
        self.bucket, self.first, self.last = texts["bucket"], first, last
        right = [str(first + timedelta(n)) for n in range((last - first).days + 1)]
        if [bundle["from"], *(day["day"] for day in days), bundle["to"]] != right[:1] + right + right[-1:]:
            yield f"has no days, or does not give every day from {first} to {last}, in order"
        for day in days:
            self.attempt(
                f"bundle.json, {day['day']}", self.day, day, self.of_day.get(date.fromisoformat(day["day"]), [])
            )
        records = [day["records"] for day in days if "csv" in day]
        if not same(bundle["totals"], {"days": len(days), "backed_up": len(records), "records": sum(records)}):
            yield "its totals are not those of its days"
        self.days, self.backed_up, self.records = len(days), len(records), int(sum(records))
        if self.head is not None and self.head not in self.statements:
            yield f"neither its tree head nor that of an anchor has the SHA-256 {self.head}"
        elif self.head is not None:
            self.require_covered("the trusted head", self.statements[self.head].manifest)

    def require_covered(self, by: str, last: int) -> None:
        """Find the days whose manifest came after the last that a tree head covers: it says nothing of them."""
        for day, number in self.covering.items():
            if number > last:
                self.wrong(f"bundle.json, {day}", f"its manifest {number} came after {by} (of {last})")

    def day(self, day, manifests):
        """Compare a day with the manifest that counts; without one it must not pass for backed up."""
        manifest = manifests[-1] if manifests else None
        for name in day.get("unvouched", ()):
            self.attempt(name, self.rows, name)
        right = {"day": day["day"]}
        if manifest is None:
            right.update({key: kind(day[key]) for key, kind in (("missing", str), ("unvouched", list)) if key in day})
            self.notes.append(f"{day['day']}: no manifest of the log vouches for a backup. {day['missing']}")
        else:
            self.covering[day["day"]] = manifest["number"]
            for part, stored in (("csv", manifest["backup"]), ("quarantine", manifest["quarantine"])):
                if stored is not None:
                    right[part] = stored["key"]
                    self.attempt(stored["key"], self.file, stored)
            right.update(manifest=manifest["number"], records=manifest["records"])
            if right["csv"] in self.names:  # else it is a finding already
                self.attempt(right["csv"], self.rows, right["csv"], manifest)
            self.replaced(day["day"], manifest, manifests)
        if not same(day, right):
            yield f"is {day}, its manifest says {right}"

    def replaced(self, day, newest, manifests):
        """Check the versions of a day that somebody replaced although the database had altered or lost signals."""
        for replacement in newest.get("replacements", ()):
            counts = f"{replacement['altered']} signals altered, {replacement['removed']} removed"
            self.notes.append(f"{day}: replaced on {replacement['at'][:10]}, {counts}. {replacement['reason']}")
        seen = {newest["backup"]["version_id"]}
        for manifest in manifests if newest.get("replacements") else ():
            name = f"replaced/{manifest['number']:010d}/{manifest['backup']['key']}"
            if manifest["backup"]["version_id"] in seen:
                continue
            seen.add(manifest["backup"]["version_id"])
            if name in self.names:
                self.attempt(name, self.file, {**manifest["backup"], "key": name})
                self.attempt(name, self.rows, name, manifest)
            else:
                self.notes.append(f"{day}: the version of manifest {manifest['number']} is not here")

    def file(self, stored):
        path = self.path(stored["key"])
        if not same([path.stat().st_size, file_hash(path)], [stored["bytes"], stored["sha256"]]):
            yield "does not have the size and the SHA-256 that its manifest says"

    def rows(self, name, manifest=None):
        """Judge the rows of a CSV, one at a time: a day may be larger than the memory."""
        ids, tree, wrong, extras = set(), MerkleTree(), 0, extra_columns(manifest)
        with self.path(name).open(encoding="utf-8", newline="") as file:
            lines = RememberedLines(file)
            reader = csv.DictReader(lines, strict=True)
            names = reader.fieldnames = [{"sha256": "verification_hash"}.get(name, name) for name in reader.fieldnames]
            lines.read.clear()  # the header
            if len(set(names)) < len(names) or not {*HASHED, "verification_hash", *extras} <= set(names):
                yield "lacks a column, or has one twice"
                return
            for number, row in enumerate(reader, 1):
                what = self.row(row, ids, tree, lines.empty_as_null(row, extras))
                wrong += bool(what)
                if what and wrong <= NAMED_ROWS:
                    self.wrong(f"{name}, row {number}", what)
            file.buffer.seek(-1, 2)
            if file.buffer.read() != b"\n":
                yield "its last line has no line break: the file is truncated"
        if wrong > NAMED_ROWS:
            yield f"{wrong} rows are wrong, the first {NAMED_ROWS} are named"
        if manifest and not same([tree.size, tree.root()], [manifest["records"], manifest["merkle_root"]]):
            yield "its rows are not those of its manifest, or not in that order"

    def row(self, row, ids, tree, extra):
        """What is wrong with a row, if anything; its hash goes into the tree."""
        if None in [*row, *row.values()]:
            return "has too few fields, or too many"
        row = {name: value.replace(NUL_MARK, "\0") for name, value in row.items()}
        signal, is_new = row["signal_id"], row["signal_id"] not in ids
        ids.add(signal)
        try:
            text = json.dumps(extra, sort_keys=True).encode("ascii")
            tree.add(bytes.fromhex(row["verification_hash"]) + (sha256(text).digest() if extra else b""))
            if not gives_its_hash(row):
                return f"signal {signal} does not give its hash"
        except ValueError as error:
            return f"signal {signal} does not give its hash: {error}"
        return None if is_new else f"signal {signal} is there twice"


def check_folder(folder: Path, head: str | None = None) -> BundleCheck:
    """Check the bundle in a folder; with a head, that tree head has to be there and to cover every day's manifest."""
    check = BundleCheck(folder, head)
    check.attempt("bundle", check.all)
    return check


def main():
    parser = argparse.ArgumentParser(description="Check a bundle of signal backups.")
    parser.add_argument("folder", nargs="?", default=Path(__file__).parent, type=Path, help="default: this folder")
    parser.add_argument("--head", metavar="SHA256", help="SHA-256 of a tree head that has to be in the bundle")
    arguments = parser.parse_args()
    if not arguments.folder.is_dir():
        parser.error(f"{arguments.folder} is not a folder; a ZIP has to be unpacked first")
    check = check_folder(arguments.folder, arguments.head)
    lines = [f"Note: {note}" for note in check.notes]
    for stamp in check.stamps:
        statement = stamp.file.rsplit(".", 2)[0] + ".statement.json"
        command = f"openssl ts -verify -data {statement} -in {stamp.file} -CAfile ca.pem"
        lines.append(f"Note: Stamped by {stamp.authority}. To check the signature: {command}")
    for found, (name, event, manifest) in check.statements.items():
        lines.append(f"Tree head {found} in {name}, up to event {event} and manifest {manifest}")
    lines += [f"WRONG {file}: {what}" for file, what in check.findings]
    outcome = f"FAILED: {len(check.findings)} findings" if check.findings else "OK"
    about = f"{check.bucket}, {check.first} to {check.last}: " if check.first else ""
    about += f"{check.backed_up} of {check.days} days, {check.records} records"
    lines += [f"{outcome}: {about}, {len(check.manifests) - 1} manifests, {len(check.events) - 1} events"]
    for line in lines:
        print("".join(letter if " " <= letter <= "~" else "?" for letter in line))  # nothing may steer the terminal
    return 1 if check.findings else 0


if __name__ == "__main__":
    sys.exit(main())
