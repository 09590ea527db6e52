"""That logs written by former versions still come to the same grants: their leaves are frozen in `leaves/`."""

import json
from collections import defaultdict
from pathlib import Path

from pydantic import TypeAdapter

from services.reintegration.domain.grant import GRANT
from services.reintegration.domain.grant_state import Grant
from shared.contracts.reintegration import EVENTS
from shared.messages import Event

_LEAVES = Path(__file__).parent / "leaves"
_KINDS = {event.kind: event for event in EVENTS}
_GRANT: TypeAdapter[Grant] = TypeAdapter(Grant)


def test_a_log_of_before_comes_to_the_grants_that_it_came_to() -> None:
    logs: dict[str, list[Event]] = defaultdict(list)
    for line in (_LEAVES / "grants.ndjson").read_text(encoding="utf-8").splitlines():
        leaf = json.loads(line)
        logs[leaf["subject"]].append(_KINDS[leaf["type"]].model_validate(leaf["data"]))
    frozen = json.loads((_LEAVES / "grants.json").read_text(encoding="utf-8"))
    assert logs.keys() == frozen.keys()
    for subject, events in logs.items():
        grant = GRANT.fold(events)
        assert grant is not None
        now = _GRANT.dump_python(grant, mode="json")
        assert _as_of_then(now, frozen[subject]) == frozen[subject]


def _as_of_then(now: object, then: object) -> object:
    """What stands now, without fields that did not exist then."""
    if isinstance(now, dict) and isinstance(then, dict):
        return {name: _as_of_then(now[name], then[name]) for name in then}
    if isinstance(now, list) and isinstance(then, list):
        return [_as_of_then(one, other) for one, other in zip(now, then, strict=True)]
    return now
