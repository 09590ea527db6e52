"""The bench measures what it says it measures: in small, on systems of its own."""

import pytest

from ops.bench.run import run_bench


@pytest.mark.timeout(600)
async def test_the_bench_measures_a_command_and_lists_beside_their_floors() -> None:
    found = await run_bench(("command", "growth"), [20, 40], 1_000, 2, 0.1, lambda _: None)
    told = {(figure.section, figure.name): figure for figure in found}
    rate = told["command", "HoldSession over HTTP, 8 at once"]
    assert rate.value > 0
    assert rate.ratio is not None
    # Whoever does nothing but write the rows is faster than whoever answers a request as well.
    assert rate.ratio < 1
    offices = [figure for figure in found if "an office" in figure.name]
    assert [figure.name for figure in offices] == [f"list of an office, restricted to its country, {size} cases, p50" for size in (20, 40)]


@pytest.mark.timeout(600)
async def test_the_bench_tells_where_a_command_takes_its_time_and_exports_a_log_that_nobody_follows() -> None:
    found = await run_bench(("profile", "export"), [20], 1_000, 2, 0.1, lambda _: None)
    assert {figure.name.partition(":")[0] for figure in found if figure.section == "profile"} >= {"PostgreSQL", "HTTP", "values", "deciding"}
    exported = next(figure for figure in found if figure.section == "export")
    assert exported.value > 0
