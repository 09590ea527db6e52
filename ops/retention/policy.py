"""How long what is kept about people is kept, and what happens then: read from a file that is under version control."""

import os
import tomllib
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Final, Literal, get_args

from ops.settings import CannotStart

Then = Literal["ask_for_erasure", "end_papers", "delete_details", "by_itself", "kept"]
FILE: Final = "AVRR_RETENTION_POLICY"
PAGE: Final = "docs/retention.md"
_OURS: Final = Path(__file__).parent / "policy.toml"
# The classes that persons fall into; each has to end, or somebody would be kept for ever.
OF_PERSONS: Final = ("without_case", "without_return", "returned")
_NEEDED: Final[Mapping[str, Then]] = {**dict.fromkeys(OF_PERSONS, "ask_for_erasure"), "receipts": "end_papers", "payees": "delete_details"}
_WORDS: Final[Mapping[Then, str]] = {
    "ask_for_erasure": "their erasure is asked for, and a person decides", "end_papers": "they and their key are deleted, as was decided with the erasure",
    "delete_details": "they and their key are deleted",
    "by_itself": "it ends by itself", "kept": "kept",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kept:
    """One class: what it is, how long it is kept since when, what happens then, and why."""

    name: str
    what: str
    then: Then
    basis: str
    since: str = ""
    months: int = 0
    days: int | None = None

    @property
    def ends(self) -> bool:
        """Whether it is kept for a time only."""
        return bool(self.months) or self.days is not None

    def due(self, since: date) -> date:
        """The first day on which what began on a day is not to be kept any more."""
        months = since.year * 12 + since.month - 1 + self.months
        year, month = divmod(months, 12)
        # A period that begins on the 31st ends on the last day of a shorter month.
        day = min(since.day, monthrange(year, month + 1)[1])
        return date(year, month + 1, day) + timedelta(days=self.days or 0)

    @property
    def how_long(self) -> str:
        """The period in words."""
        if not self.ends:
            return "for ever" if self.then == "kept" else "–"
        parts = [f"{self.months} months"] if self.months else []
        parts += [f"{self.days} days"] if self.days else []
        return " and ".join(parts) or "until then"


@dataclass(frozen=True, slots=True)
class Policy:
    """All classes by their name, and where the periods come from."""

    classes: Mapping[str, Kept]
    source: str


def read_policy(path: Path | None = None) -> Policy:
    """The policy in a file, in the one that the environment names, or ours; `CannotStart` if it is none."""
    path = path or (Path(os.environ[FILE]) if FILE in os.environ else _OURS)
    try:
        read = tomllib.loads(path.read_text(encoding="utf-8"))
        classes = {name: Kept(name=name, **stated) for name, stated in read["classes"].items()}
        source = str(read["source"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        raise CannotStart("retention_unreadable", f"The retention policy {path.name} cannot be read.") from None
    for one in classes.values():
        _refuse_wrong(one)
    if any(name not in classes or classes[name].then != then for name, then in _NEEDED.items()):
        raise CannotStart("retention_incomplete", f"The retention policy has to say when {', '.join(OF_PERSONS)} end, and receipts and payees.")
    return Policy(classes, source)


def page(policy: Policy) -> str:
    """The policy as the page of the documentation."""
    rows = "".join(
        f"| `{one.name}` | {one.what} | {one.how_long} | {one.since or '–'} | {_WORDS[one.then]} | {one.basis} |\n"
        for one in policy.classes.values()
    )
    return f"{_HEAD}| class | what | how long | since | then | why |\n|---|---|---|---|---|---|\n{rows}"


def _refuse_wrong(one: Kept) -> None:
    numbers = [one.months, *([] if one.days is None else [one.days])]
    whole = all(type(number) is int and 0 <= number <= 1200 for number in numbers)
    known = one.then in get_args(Then) and (one.ends or one.then in ("kept", "by_itself"))
    if not (whole and known and one.what and one.basis):
        raise CannotStart("retention_unreadable", f"The retention policy says of {one.name} what cannot be.")


_HEAD: Final = """# How long what is kept is kept

What each class below is, is under version control (`ops/retention/policy.toml`); another file is named by
`AVRR_RETENTION_POLICY`. Nobody is erased by a clock: where a period is over, the nightly run asks for the erasure
(`./avrr retention run`), which data protection or the chief of mission then decides on, and a legal hold or an open case
keeps everything. Whoever withdrew is kept from then, whatever became of the others of their case; whoever left although it
had ended keeps everything while they are awaited, and has returned once they arrived.
What was refused is not asked for again: the report lists it with the reason, until
somebody asks. Which receipts stay is decided once, with the erasure, by what had been paid then; money that is paid or comes back
afterwards changes nothing of it. Receipts that an erasure let stay the run ends itself, with their key, once their last day is over: two
persons decided on it with the erasure, whose event says the day. Name and account of a vendor or an office that was closed it
deletes as well, once theirs is over, for nobody is asked who a business was. What would happen is told beforehand by `./avrr retention
report`, by ids alone. Both ask the services over HTTP as the client `service-retention`, whose role `retention` may do
nothing else; a second run of the same night finds nothing more to do. With an identity provider of the mission's own that
client's secret there is in `AVRR_RETENTION_CLIENT_SECRET`, and its address in `AVRR_OIDC_ISSUER`.

The machine's scheduler gives both commands; nothing in the system calls them. With cron, on the mission's clock:

```
CRON_TZ=Europe/Sarajevo
15 2 * * *  cd /srv/avrr && ./avrr retention run
45 2 1 * *  cd /srv/avrr && ./avrr keys rotate
```

In containers they are one-shot services of compose, which start for this alone ([hardening](hardening.md)), `…` being the
files that the mission starts with:

```
15 2 * * *  docker compose … run --rm retention run
45 2 1 * *  docker compose … run --rm keys rotate
```

Docker keeps nothing of what these print. Where cron mails to nobody, lead it into a file that nobody else reads, with `umask 077;` before
the command and `>> /var/log/avrr-retention 2>&1` behind it, and let `logrotate` end it after 30 days: it says who is about to be erased.

Either ends with another code than 0 when it could not do all of it, and says why in one line, which cron mails; the next
night does what is left; where `keys rotate` says `does_not_open`, `./avrr verify` names what that is ([runbook](alerts.md#runbook-a-row-differs-from-its-events)), and where it says `key_does_not_open`, it names itself which row that is. Copies of the databases from before a rotation open nothing of who was erased before it: the time
between two rotations is the longest for which an old copy can still tell of them, and where keys are copied
([operations](operations.md)) the days for which `./avrr backup --keep` keeps the former ones, 30 at most, come on top.

This page is printed by `./avrr retention policy --markdown`, and a test compares it with the file.

"""
