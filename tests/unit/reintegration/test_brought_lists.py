"""A list that somebody brought counts once another person confirmed it, one waits at a time, and one of before counts as it did."""

from typing import Any

import pytest

from services.reintegration.domain.brought_lists import ListFacts
from services.reintegration.domain.sanctions import (
    SANCTIONS_LIST,
    ConfirmSanctionsList,
    DropSanctionsList,
    UploadSanctionsList,
)
from services.reintegration.domain.staff_accounts import (
    STAFF_LIST,
    ConfirmStaffAccounts,
    DropStaffAccounts,
    UploadStaffAccounts,
)
from shared.contracts.payees import (
    StaffAccountsConfirmed,
    StaffAccountsDropped,
    StaffAccountsUploaded,
)
from shared.contracts.sanctions import (
    SanctionsListConfirmed,
    SanctionsListDropped,
    SanctionsListUploaded,
)
from shared.messages import Command, Event
from tests.given import NOON, Given, staff
from tests.unit.reintegration.examples import CHIEF, MANAGER

ADMINISTRATOR = staff("administrator", "administrator")
DIFFERS = ListFacts(added=3, gone=1, changed=2)
UPLOADED = StaffAccountsUploaded(
    list_version="2023-05", accounts=41, uploaded_by=ADMINISTRATOR.person_id, uploaded_at=NOON, proposed=True
)
VERSION = SanctionsListUploaded(
    list_name="UN", list_version="2", entries=700, sha256="0" * 64, uploaded_by=ADMINISTRATOR.person_id, uploaded_at=NOON,
    proposed=True,
)  # fmt: skip
BROUGHT = (
    pytest.param(
        STAFF_LIST, UploadStaffAccounts(list_version="2023-05", accounts=41), UPLOADED, ConfirmStaffAccounts(), DropStaffAccounts(),
        StaffAccountsConfirmed(added=3, gone=1, confirmed_by=CHIEF.person_id, confirmed_at=NOON),
        StaffAccountsDropped(dropped_by=CHIEF.person_id, dropped_at=NOON), id="accounts of staff",
    ),
    pytest.param(
        SANCTIONS_LIST, UploadSanctionsList(list_name="UN", list_version="2", entries=700, sha256="0" * 64), VERSION,
        ConfirmSanctionsList(), DropSanctionsList(),
        SanctionsListConfirmed(added=3, gone=1, changed=2, confirmed_by=CHIEF.person_id, confirmed_at=NOON),
        SanctionsListDropped(dropped_by=CHIEF.person_id, dropped_at=NOON), id="sanctions",
    ),
)  # fmt: skip


@pytest.mark.parametrize(("decider", "upload", "uploaded", "confirm", "drop", "confirmed", "dropped"), BROUGHT)
def test_one_person_brings_a_list_and_another_puts_it_in_force_or_drops_it(
    decider: Any, upload: Command, uploaded: Event, confirm: Command, drop: Command, confirmed: Event, dropped: Event
) -> None:
    facing = Given(decider, DIFFERS)
    facing.when(upload, ADMINISTRATOR).then(uploaded)
    waits = facing.given(uploaded)
    waits.when(confirm, ADMINISTRATOR).refused("four_eyes")
    waits.when(confirm, CHIEF).then(confirmed)
    waits.when(drop, CHIEF).then(dropped)
    for ended in (confirmed, dropped):
        for order in (confirm, drop):
            facing.given(uploaded, ended).when(order, MANAGER).refused("nothing_waits")
    Given(decider, ListFacts(another_waits=True)).when(upload, ADMINISTRATOR).refused("list_waits")


@pytest.mark.parametrize(("decider", "uploaded"), [(STAFF_LIST, UPLOADED), (SANCTIONS_LIST, VERSION)], ids=["staff", "sanctions"])
def test_a_list_of_before_counts_since_it_was_brought(decider: Any, uploaded: Event) -> None:
    of_before = uploaded.model_validate({**uploaded.model_dump(exclude={"proposed"})})
    assert decider.fold((of_before,)).counts_since == NOON
    assert decider.fold((uploaded,)).counts_since is None
