"""Where the time of a command goes within the service, by what does the work: the API alone under Python's profiler."""

import cProfile
import pstats
import signal
import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from ops.bench.commanding import AT_ONCE, new_command, rate_of
from ops.bench.figures import Figure
from ops.bench.ground import UNBOUND, Ground
from ops.system import service_child
from shared.topology import COUNSELLING

_HTTP: Final = "HTTP: reading the request, routing, parameters, answering"
_SQL: Final = "PostgreSQL: statements sent and rows read, transactions, the pool"
_VALUES: Final = "values: checked, sealed, put into JSON and leaves"
_OURS: Final = "deciding: loading, facts, rules, projections"
_WHO: Final = "who asks: token, policy, allowance"
_TELLING: Final = "telling: log lines, figures"
_LOOP: Final = "the event loop: sockets, timers, waiting for the next request or the database"
# What stands in the path of a file, or in the name of what has none, and what that works at; the first that fits.
_WORKS: Final[tuple[tuple[str, str], ...]] = (
    ("asyncpg", _SQL), ("shared/db.py", _SQL),
    ("pydantic", _VALUES), ("rfc8785", _VALUES), ("cryptography", _VALUES), ("/json/", _VALUES), ("base64", _VALUES), ("/secrets.py", _VALUES),
    ("shared/ledger.py", _VALUES), ("shared/row_keys.py", _VALUES), ("shared/sealed_rows.py", _VALUES), ("shared/ids.py", _VALUES), ("/uuid.py", _VALUES),
    ("joserfc", _WHO), ("shared/auth.py", _WHO), ("shared/jwks.py", _WHO), ("shared/policy.py", _WHO), ("shared/buckets.py", _WHO), ("shared/step_up.py", _WHO),
    ("structlog", _TELLING), ("prometheus_client", _TELLING), ("/logging/", _TELLING), ("shared/metrics.py", _TELLING), ("shared/tracing.py", _TELLING),
    ("fastapi", _HTTP), ("starlette", _HTTP), ("uvicorn", _HTTP), ("httptools", _HTTP), ("/email/", _HTTP), ("/contextlib.py", _HTTP), ("anyio", _HTTP),
    ("shared/surroundings.py", _HTTP), ("shared/callers.py", _HTTP), ("shared/http.py", _HTTP), ("shared/connections.py", _HTTP), ("shared/conditions.py", _HTTP),
    ("uvloop", _LOOP), ("/asyncio/", _LOOP), ("select", _LOOP), ("_asyncio", _LOOP),
    ("services/", _OURS), ("shared/", _OURS),
)  # fmt: skip

_Function = tuple[str, int, str]


async def profile(ground: Ground, seconds: float, folder: Path) -> list[Figure]:
    """The same commands as in ``command``, without a floor: the profiler takes time itself, of small functions more than of large ones."""
    command = await new_command(ground, seconds)
    found = folder / "profile"
    await ground.running.stop("counselling")
    child = service_child(ground.running, COUNSELLING, "replay", role="api", port=ground.running.ports["counselling"], environment=UNBOUND)
    await ground.running.add(replace(child, argv=(sys.executable, "-m", "ops.bench.profiled", str(found))))
    done, _ = await rate_of(command, AT_ONCE, seconds)
    await ground.running.stop(child.name)
    shares = works_of(pstats.Stats(str(found)))
    whole = sum(shares.values())
    named = sorted(shares.items(), key=lambda share: -share[1])
    return [Figure("profile", what, spent / done * 1000, "ms", whole / done * 1000, waits=what == _LOOP) for what, spent in named]


def works_of(stats: pstats.Stats) -> dict[str, float]:
    """The seconds that each work took; what Python itself does is counted to whoever asked for it."""
    timings: Mapping[_Function, tuple[int, int, float, float, Mapping[_Function, tuple[int, int, float, float]]]] = vars(stats)["stats"]
    found: dict[str, float] = defaultdict(float)
    for function, (_, _, own, _, callers) in timings.items():
        work = _work(function)
        if work is not None:
            found[work] += own
            continue
        for caller, (_, _, of_caller, _) in callers.items():
            found[_work(caller) or _LOOP] += of_caller
    return dict(found)


def _work(function: _Function) -> str | None:
    path, _, name = function
    said = name if path == "~" else path
    return next((work for part, work in _WORKS if part in said), None)


def main() -> None:
    """The service under the profiler, until it is told to end."""
    from services.counselling.routes import router  # noqa: PLC0415 -- only the process that is profiled needs the service
    from services.counselling.wiring import WIRING  # noqa: PLC0415 -- as above
    from shared.service import serve  # noqa: PLC0415 -- as above

    # The server ends in good order and then does what was to be done about the signal before: it would end the process.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    profiler = cProfile.Profile()
    try:
        profiler.runcall(serve, WIRING, (router,))
    finally:
        profiler.dump_stats(sys.argv[1])


if __name__ == "__main__":
    main()
