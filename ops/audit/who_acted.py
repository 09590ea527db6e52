"""Who acted in the period of an export, in which roles and by whose authority: python3 who_acted.py DIR makes its tables again.

staff.csv has everybody whose id an entry of the period carries or who could act by an authority then; roles.csv the roles with
which each acted; delegations.csv who could approve up to how much, themselves or standing in, on a day of the period. All of it is
cut out of the entries but the names, which no log holds: they are what the mission said of its own staff, and proved by nothing.
Ends with 1 and a sentence where a table says anything else than the entries. verify_audit.py, beside this file, checks these.
"""

import csv
import io
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

try:
    from ops.audit.verify_audit import csv_row, entries_of, plain, within
except ImportError:  # In an export it stands beside this file.
    from verify_audit import csv_row, entries_of, plain, within  # type: ignore[import-not-found,no-redef]

TABLES = ("staff.csv", "roles.csv", "delegations.csv")
STAFF = ("id", "name", "organisation", "country", "first", "last", "entries")
ROLES = ("id", "role", "organisation", "country", "first", "last", "entries")
DELEGATIONS = (
    "authority_id", "holder_id", "acting_id", "role", "up_to", "currency", "valid_from", "valid_until", "by", "at", "ended_by", "ended_at",
)  # fmt: skip
_AUTHORITY = "avrr.reintegration.authority."


@dataclass
class Span:
    """When somebody acted first and last, and how often."""

    first: str
    last: str
    entries: int = 0

    def also(self, time: str, entries: int = 1) -> None:
        """Once more, or so often."""
        self.first, self.last, self.entries = min(self.first, time), max(self.last, time), self.entries + entries


@dataclass
class Acting:
    """What one log says of who acted; entries are taken in their order."""

    period: tuple[str, str]
    seen: dict[tuple[str, str, str, str], Span] = field(default_factory=dict)
    given: dict[str, tuple[object, ...]] = field(default_factory=dict)
    terms: dict[str, list[tuple[object, ...]]] = field(default_factory=dict)
    ended: dict[str, tuple[str, str]] = field(default_factory=dict)

    def take(self, said: dict[str, object]) -> None:
        """One entry."""
        if within(said, self.period):
            time = str(said.get("time"))
            actor, organisation, country = (str(said.get(name, "")) for name in ("actorid", "actororg", "actorcountry"))
            # The empty role stands for the person, however many roles they act with.
            for role in ("", *filter(None, str(said.get("actorrole", "")).split(","))):
                key = (actor, role, organisation, country)
                span = self.seen.get(key) or self.seen.setdefault(key, Span(time, time))
                span.also(time)
        kind, data = str(said.get("type")), said.get("data")
        if kind.startswith(_AUTHORITY) and isinstance(data, dict):
            self._authority(str(said.get("subject")), kind.split(".")[3], data)

    def _authority(self, id: str, fact: str, data: Mapping[str, object]) -> None:
        def told(*names: str) -> tuple[object, ...]:
            return tuple(data.get(name, "") for name in names)

        if fact == "given":
            money = data.get("up_to")
            up_to = (money.get("amount", ""), money.get("currency", "")) if isinstance(money, dict) else ("", "")
            self.given[id] = (data.get("holder_id", ""), data.get("role", ""), *up_to)
            self.terms[id] = [told("holder_id", "valid_from", "valid_until", "given_by", "given_at")]
        elif fact == "deputy_named":
            self.terms.setdefault(id, []).append(told("deputy_id", "valid_from", "valid_until", "named_by", "named_at"))
        elif fact == "ended":
            self.ended[id] = (str(data.get("ended_by", "")), str(data.get("ended_at", "")))

    def delegations(self) -> Iterator[tuple[object, ...]]:
        """Each authority, and each time that somebody stands in for its holder, that is in force on a day of the period."""
        since, until = self.period
        for id, terms in sorted(self.terms.items()):
            holder, role, amount, currency = self.given.get(id, ("", "", "", ""))
            by, at = self.ended.get(id, ("", ""))
            for acting, first, last, given_by, given_at in terms:
                if str(first) <= until[:10] and str(last) >= since[:10] and (not at or at[:10] >= since[:10]):
                    yield (id, holder, acting, role, amount, currency, first, last, given_by, given_at, by, at)


def tables(logs: Mapping[str, Acting], names: Mapping[str, str]) -> dict[str, bytes]:
    """The three tables over all logs; ``names`` are those of the mission's staff by their ids."""

    def name_of(id: str) -> str:
        # As a table says it, an id may have an apostrophe before it.
        return names.get(id) or names.get(plain(id), "")

    seen: dict[tuple[str, str, str, str], Span] = {}
    for log in logs.values():
        for who, span in log.seen.items():
            whole = seen.setdefault(who, Span(span.first, span.last))
            whole.also(span.first, span.entries)
            whole.also(span.last, 0)
    delegations = [row for _, log in sorted(logs.items()) for row in log.delegations()]
    acted = {actor for actor, *_ in seen}
    silent = sorted({str(id) for row in delegations for id in row[1:3] if id} - acted)
    roles, staff = [], [(id, name_of(id), "", "", "", "", 0) for id in silent]
    for (actor, role, organisation, country), span in seen.items():
        cells = (organisation, country, span.first, span.last, span.entries)
        if role:
            roles.append((actor, role, *cells))
        else:
            staff.append((actor, name_of(actor), *cells))
    rows: tuple[tuple[tuple[str, ...], Sequence[tuple[object, ...]]], ...] = (
        (STAFF, sorted(staff)), (ROLES, sorted(roles)), (DELEGATIONS, delegations),
    )  # fmt: skip
    return {
        name: csv_row(columns) + b"".join(map(csv_row, found))
        for name, (columns, found) in zip(TABLES, rows, strict=True)
    }


def names_in(table: str) -> dict[str, str]:
    """The names that a table with the columns ``id`` and ``name`` says; ValueError where it has none."""
    rows = csv.DictReader(io.StringIO(table, newline=""))
    if not {"id", "name"} <= set(rows.fieldnames or ()):
        raise ValueError("a list of staff has the columns id and name")
    return {row["id"]: row["name"] for row in rows if row["id"] and row["name"]}


def main(arguments: list[str] | None = None, tell: Callable[[str], None] = print) -> int:
    """Makes the tables of an export again and compares; the exit code."""
    folder = Path((sys.argv[1:] if arguments is None else arguments)[0])
    try:
        manifest = (folder / "manifest").read_text(encoding="utf-8")
        bounds = [re.search(rf"^{word} (\S+)$", manifest, re.MULTILINE) for word in ("from", "until")]
        period = tuple(found[1] for found in bounds if found)
        logs = {name: Acting((period[0], period[1])) for name in re.findall(r"^log (\S+) ", manifest, re.MULTILINE)}
        for name, log in logs.items():
            for path in sorted(path for path in (folder / name / "tile" / "entries").rglob("*") if path.is_file()):
                for entry in entries_of(path.read_bytes()):
                    log.take(json.loads(entry))
        names = names_in((folder / TABLES[0]).read_text(encoding="utf-8"))
        made = tables(logs, names)
        wrong = [name for name, content in made.items() if (folder / name).read_bytes() != content]
    except (OSError, ValueError, LookupError) as fault:
        tell(f"The tables of who acted could not be made again: {type(fault).__name__}.")
        return 1
    for name in wrong:
        tell(f"{name}: it does not say what the entries of the logs say.")
    everybody = len(made[TABLES[0]].splitlines()) - 1
    tell(f"{len(names)} of {everybody} who acted or could act are named, as the mission said.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
