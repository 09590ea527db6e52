"""What is paid from, put together: core, table and facts of the mission's own accounts."""

from services.reintegration import batch_tables
from services.reintegration.domain import own_accounts
from shared.aggregate import Aggregate
from shared.decider import NoFacts
from shared.wiring import no_facts

OWN_ACCOUNT: Aggregate[own_accounts.OwnAccount, NoFacts] = Aggregate(
    service="reintegration", name="own_account", decider=own_accounts.OWN_ACCOUNT, table=batch_tables.OWN_ACCOUNTS,
    state=own_accounts.OwnAccount, facts=no_facts,
)  # fmt: skip
