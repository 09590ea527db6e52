"""What is to break follows from the seed, comes as often as was asked for, and a trial in which less broke has failed."""

from hypothesis import given
from hypothesis import strategies as st

from tests.chaos.plan import VICTIMS, Trial, planned

TRIALS = st.builds(Trial, seed=st.integers(0, 10**6), commands=st.integers(500, 20_000), kills=st.integers(1, 60))


@given(TRIALS)
def test_one_seed_is_one_plan(trial: Trial) -> None:
    assert planned(trial, trial.commands, 7) == planned(trial, trial.commands, 7)


@given(TRIALS)
def test_everything_breaks_as_often_as_was_asked_for_and_while_commands_are_left(trial: Trial) -> None:
    plan = planned(trial, trial.commands, 7)
    assert trial.carried_out(plan) == trial.intended
    moments = [fault.after for fault in plan]
    assert moments == sorted(moments)
    assert moments[0] >= 7
    assert moments[-1] < 7 + trial.commands


def test_fifteen_kills_take_every_process_of_a_system() -> None:
    plan = planned(Trial(2023, 2_000, 15), 2_000, 0)
    assert {fault.part for fault in plan if fault.kind == "kill"} == set(VICTIMS)
    assert {fault.kind for fault in plan} == {"kill", "wipe", "cut", "full", "jump"}


def test_a_fault_that_was_left_out_is_counted_as_missing() -> None:
    trial = Trial(2023, 2_000, 15)
    plan = planned(trial, 2_000, 0)
    without = [fault for fault in plan if fault.kind != "full"]
    assert trial.intended - trial.carried_out(without) == {"full": 1}
