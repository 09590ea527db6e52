"""What is free at once because it came back is posted with it, also in a later month than that of its own day."""

from typing import Final

from migrations.kernel_10 import refuse_to_lose
from migrations.online import hold

revision = "reintegration_138"
down_revision = "reintegration_137"
branch_labels = None
depends_on = None

_TABLE: Final = "fund_postings"
_RULE: Final = "ck_fund_postings_month_of_the_day"
_OWN_MONTH: Final = "month = date_trunc('month', cast(occurred_on AS timestamp))"


def upgrade() -> None:
    """What was freed before keeps the day on which that was recorded."""
    _hold("'spend', 'reverse', 'release', 'difference', 'recover'")


def downgrade() -> None:
    refuse_to_lose(
        f"{_TABLE} WHERE kind = 'release' AND NOT ({_OWN_MONTH})",
        "what came back late and was free at once is posted with it, which the release before lets into no other month than its own",
    )
    _hold("'spend', 'reverse', 'difference', 'recover'")


def _hold(kinds: str) -> None:
    later = "month > occurred_on AND month = date_trunc('month', cast(month AS timestamp))"
    hold(_TABLE, _RULE, f"CHECK ({_OWN_MONTH} OR (kind IN ({kinds}) AND {later}))")
