"""Checks a bundle of signal backups with nothing but this file and Python, 3.8 or newer: no packages, no network.

    python3 verify.py [FOLDER] [--head SHA256]

1. SHA256SUMS is exactly what the files give, and there are only plain files. What index.html says is not checked.
2. The entries of the two chains, manifests/ and events.jsonl, are numbered from 1 without a gap, and each carries the
   SHA-256 of the entry before: none can be changed, left out or slipped in without changing all that follow.
3. The statements in anchors/ and bundle.json name the last entries of both chains at a time, and so fix all before. A
   time stamp fixes when that was; its signature is for OpenSSL, the command is printed. With --head, that statement has
   to be there, and every day's manifest has to be one of those it covers.
4. Every day of bundle.json: of its manifests the one with the highest number counts. Its files have the size and the
   SHA-256 it says, the rows their number and Merkle root, each row gives its own hash, no signal is there twice.

Who can write everything can make another bundle that fits, this file too. So take verify.py from somebody you trust,
and hold the bundle against what nobody could change: a time stamp, or a statement's SHA-256 you were given (--head).
Exit code: 0 nothing is wrong, 1 something is, 2 wrong usage.
"""

import argparse
import base64
import csv
import io
import itertools
import json
import re
import sys
from datetime import date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

FIRST = {"number": 0, "sha256": "0" * 64}  # what comes before the first entry of a chain
NUMBERS = ("confidence", "entry_price", "stop_price", "target_price")
HASHED = (*NUMBERS, "action", "signal_id", "strategy", "symbol", "timestamp")
ALWAYS_THERE = {"SHA256SUMS", "bundle.json", "events.jsonl", "index.html", "verify.py"}
TEXTS = ("bucket", "prefix", "from", "to", "made_at", "by", "statement")  # of bundle.json
csv.field_size_limit(16 * 1024 * 1024)


def file_hash(path):
    found = sha256()
    with path.open("rb") as file:
        for piece in iter(lambda: file.read(1024 * 1024), b""):
            found.update(piece)
    return found.hexdigest()


def merkle_root(hashes):
    """RFC 6962, section 2.1: pairs of nodes are hashed together; a last one without a pair moves up."""
    level = [sha256(b"\x00" + each).digest() for each in hashes] or [sha256(b"").digest()]
    while len(level) > 1:
        pairs = [sha256(b"\x01" + left + right).digest() for left, right in zip(level[::2], level[1::2])]
        level = pairs + level[2 * len(pairs) :]
    return level[0].hex()


def same(found, right):
    """Whether two documents are the same as JSON (to Python, true and 1.0 equal 1), and can be written as UTF-8."""
    return json.dumps(found, ensure_ascii=False).encode() == json.dumps(right, ensure_ascii=False).encode()


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


class Check:
    """One check of one bundle. What a check yields is wrong."""

    def __init__(self, folder, head=None):
        self.folder, self.head, self.says = folder, head, "no days"
        self.findings, self.notes = [], ["What index.html says is not checked."]
        paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
        plain = {name: path for name, path in paths.items() if not path.is_symlink()}
        self.names = {name for name, path in plain.items() if path.is_file()}
        folders = {name for name, path in plain.items() if path.is_dir() and any(path.iterdir())}
        self.others = paths.keys() - self.names - folders  # links, devices, empty folders
        self.manifests, self.events = [FIRST], [FIRST]  # number and SHA-256 of each entry
        self.of_day = {}  # the manifest that counts
        self.statements = {}  # SHA-256 of a statement: the file it is in, the numbers of its last event and manifest
        self.spoken_of = set(ALWAYS_THERE)

    def attempt(self, where, check, *arguments):
        """Damaged files make a check fail in any way there is; that is a finding, and the others go on."""
        try:
            for what in check(*arguments) or ():
                self.findings.append(f"{where}: {what}")
        except Exception as error:
            self.findings.append(f"{where}: cannot be checked, {type(error).__name__}: {error}")

    def all(self):
        self.attempt("SHA256SUMS", self.sums)
        for number in range(1, 1 + sum(name.startswith("manifests/") for name in self.names)):
            self.attempt(f"manifests/{number:010d}.json", self.manifest, f"manifests/{number:010d}.json")
        self.attempt("events.jsonl", self.all_events)
        self.attempt("bundle.json", self.bundle)
        for name in sorted(self.names ^ self.spoken_of | self.others):
            self.findings.append(f"{name}: it is missing, no plain file, or nothing else in the bundle speaks of it")

    def path(self, name):
        self.spoken_of.add(name)
        if name not in self.names:  # nothing outside of the folder is looked at, whatever is said
            raise ValueError("it is not in the bundle")
        return self.folder / name

    def read_json(self, text, **style):
        document = json.loads(text)
        if json.dumps(document, **style) + "\n" != text:
            raise ValueError("it is not written as such documents are")
        return document

    def sums(self):
        right = [f"{file_hash(self.folder / name)}  {name}" for name in sorted(self.names - {"SHA256SUMS"})]
        listed = self.path("SHA256SUMS").read_bytes().decode("utf-8", "replace").split("\n")
        for line in sorted(set(right) - set(listed)):
            self.findings.append(f"{line[66:]}: it is not as SHA256SUMS says: one of the two was changed")
        if listed != [*right, ""]:
            yield "is not exactly what the files give"

    def link(self, chain, body):
        """Append an entry to its chain."""
        chain.append({"number": len(chain), "sha256": sha256(body).hexdigest()})
        entry, number, previous = json.loads(body.decode("utf-8")), len(chain) - 1, chain[-2]["sha256"]
        if not same([entry["number"], entry["previous"]], [number, previous]):
            raise ValueError(f"it is not number {number}, or does not carry the SHA-256 of the entry before")
        return entry

    def manifest(self, name):
        manifest = self.link(self.manifests, self.path(name).read_bytes())
        self.of_day[date.fromisoformat(manifest["day"])] = manifest

    def all_events(self):
        for number, line in enumerate(io.BytesIO(self.path("events.jsonl").read_bytes()), 1):
            self.attempt(f"events.jsonl, event {number}", self.event, line)

    def event(self, line):
        written = self.link(self.events, line)["details"].get("manifest", FIRST)
        if not same([written["number"], written["sha256"]], [*self.manifests[written["number"]].values()]):
            yield f"manifest {written['number']} is not the one that it speaks of"

    def statement(self, where, text, bucket):
        """Returns when it was made, and the numbers of the last event and manifest then."""
        said = self.read_json(text, sort_keys=True, separators=(",", ":"))
        event, manifest = said["events"]["number"], said["manifests"]["number"]
        self.statements[sha256(text.encode("utf-8")).hexdigest()] = where, event, manifest
        at = datetime.fromisoformat(said["at"][:19]).isoformat() + "Z"  # nothing else is written like that
        root = merkle_root(bytes.fromhex(each["sha256"]) for each in self.manifests[1 : manifest + 1])
        head = dict(sorted({**self.manifests[manifest], "root": root}.items()))
        if not same(said, {"at": at, "bucket": bucket, "events": self.events[event], "format": 1, "manifests": head}):
            yield f"its statement is not about event {event} and manifest {manifest} as they are here"
        return at, event, manifest

    def anchor(self, name, bucket):
        anchor, stem = self.read_json(self.path(name).read_bytes().decode("utf-8"), indent=2), name[: -len(".json")]
        stamps = [{field: str(stamp[field]) for field in ("authority", "token")} for stamp in anchor["timestamps"]]
        if not same(anchor, {"format": 1, "statement": str(anchor["statement"]), "timestamps": stamps}):
            yield "it is not written as an anchor is"
        yield from self.statement(name, anchor["statement"], bucket)
        if self.path(f"{stem}.statement.json").read_bytes() != anchor["statement"].encode("utf-8"):
            self.findings.append(f"{stem}.statement.json: it is not the statement in {name}")
        for number, stamp in enumerate(anchor["timestamps"], 1):
            token, file = base64.b64decode(stamp["token"], validate=True), f"{stem}.{number}.tsr"
            if self.path(file).read_bytes() != token:
                self.findings.append(f"{file}: it is not the time stamp in {name}")
            if sha256(anchor["statement"].encode("utf-8")).digest() not in token:
                yield f"time stamp {number} is not of its statement"
            command = f"openssl ts -verify -data {stem}.statement.json -in {file} -CAfile ca.pem"
            self.notes.append(f"Stamped by {stamp['authority']}. To check the signature: {command}")

    def bundle(self):
        bundle = self.read_json(self.path("bundle.json").read_bytes().decode("utf-8"), indent=2)
        texts = {name: str(bundle[name]) for name in TEXTS}
        if not same(bundle, {"format": 1, **texts, "days": bundle["days"], "totals": bundle["totals"]}):
            yield "it is not that of a bundle of format 1"
        last = yield from self.statement("bundle.json", bundle["statement"], bundle["bucket"])
        if last != (bundle["made_at"], len(self.events) - 1, len(self.manifests) - 1):
            yield "its statement is not of its time, or not about the last event and manifest"
        for name in sorted(name for name in self.names if re.fullmatch(r"anchors/[^./]+\.json", name)):
            self.attempt(name, self.anchor, name, bundle["bucket"])
        if self.head is not None and self.head not in self.statements:
            yield f"no statement in this bundle has the trusted SHA-256 {self.head}"
        first, end, days = date.fromisoformat(bundle["from"]), date.fromisoformat(bundle["to"]), bundle["days"]
        right = [str(first + timedelta(n)) for n in range((end - first).days + 1)]
        if [bundle["from"], *(day["day"] for day in days), bundle["to"]] != right[:1] + right + right[-1:]:
            yield f"it has no days, or does not give every day from {first} to {end}, in order"
        for day in days:
            self.attempt(f"bundle.json, {day['day']}", self.day, day, self.of_day.get(date.fromisoformat(day["day"])))
        records = [day["records"] for day in days if "csv" in day]
        if not same(bundle["totals"], {"days": len(days), "backed_up": len(records), "records": sum(records)}):
            yield "its totals are not those of its days"
        self.says = f"{bundle['bucket']}, {first} to {end}: {len(records)} of {len(days)} days, {sum(records)} records"

    def day(self, day, manifest):
        """Hold a day against the manifest that counts; without one it must not pass for backed up."""
        for name in day.get("unvouched", ()):
            self.attempt(name, self.rows, name)
        right = {"day": day["day"]}
        if manifest is None:
            right.update({key: kind(day[key]) for key, kind in (("missing", str), ("unvouched", list)) if key in day})
            self.notes.append(f"{day['day']}: no manifest of the chain vouches for a backup. {day['missing']}")
        else:
            for part, stored in (("csv", manifest["backup"]), ("quarantine", manifest["quarantine"])):
                if stored is not None:
                    right[part] = stored["key"]
                    self.attempt(stored["key"], self.file, stored)
            right.update(manifest=manifest["number"], records=manifest["records"])
            self.attempt(right["csv"], self.rows, right["csv"], manifest)
            if manifest["number"] > self.statements.get(self.head, [manifest["number"]])[-1]:
                yield f"its manifest {manifest['number']} came after the trusted head, which does not cover it"
        if not same(day, right):
            yield f"is {day}, its manifest says {right}"

    def file(self, stored):
        path = self.path(stored["key"])
        if not same([path.stat().st_size, file_hash(path)], [stored["bytes"], stored["sha256"]]):
            yield "it does not have the size and the SHA-256 that its manifest says"

    def rows(self, name, manifest=None):
        ids, hashes = set(), []
        with self.path(name).open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            names = reader.fieldnames = [{"sha256": "verification_hash"}.get(name, name) for name in reader.fieldnames]
            if len(set(names)) < len(names) or not {*HASHED, "verification_hash"} <= set(names):
                yield "it lacks a column, or has one twice"
            for number, row in enumerate(reader, 1):
                self.attempt(f"{name}, row {number}", self.row, row, ids, hashes)
            file.buffer.seek(-1, 2)
            if file.buffer.read() != b"\n":
                yield "its last line is not ended: it was cut off"
        if manifest and not same([len(hashes), merkle_root(hashes)], [manifest["records"], manifest["merkle_root"]]):
            yield "its rows are not those of its manifest, or not in that order"

    def row(self, row, ids, hashes):
        if None in [*row, *row.values()] or row["signal_id"] in ids or not gives_its_hash(row):
            yield "it does not give its hash, or its signal is there twice"
        ids.add(row["signal_id"])
        hashes.append(bytes.fromhex(row["verification_hash"]))


def main():
    parser = argparse.ArgumentParser(description="Check a bundle of signal backups.")
    parser.add_argument("folder", nargs="?", default=Path(__file__).parent, type=Path, help="default: this folder")
    parser.add_argument("--head", metavar="SHA256", help="SHA-256 of a statement that has to be in the bundle")
    arguments = parser.parse_args()
    if not arguments.folder.is_dir():
        parser.error(f"{arguments.folder} is not a folder; a ZIP has to be unpacked first")
    check = Check(arguments.folder, arguments.head)
    check.attempt("bundle", check.all)
    lines = [f"Note: {note}" for note in check.notes]
    for found, (name, event, manifest) in check.statements.items():
        lines.append(f"Statement {found} in {name}, up to event {event} and manifest {manifest}")
    lines += [f"WRONG {finding}" for finding in check.findings]
    verdict = f"FAILED: {len(check.findings)} findings" if check.findings else "OK"
    lines += [f"{verdict}: {check.says}, {len(check.manifests) - 1} manifests, {len(check.events) - 1} events"]
    for line in lines:
        print("".join(letter if " " <= letter <= "~" else "?" for letter in line))  # nothing may steer the terminal
    return 1 if check.findings else 0


if __name__ == "__main__":
    sys.exit(main())
