"""Who is searched by year of birth and sex is found through an index that begins with the sex."""

from alembic import op

revision = "counselling_17"
down_revision = "counselling_16"
branch_labels = None
depends_on = None

_FORMER = ("country_of_origin", "token", "sex", "person_id")
_NOW = ("sex", "country_of_origin", "token", "person_id")


def upgrade() -> None:
    _replace(_FORMER, _NOW)


def downgrade() -> None:
    _replace(_NOW, _FORMER)


def _replace(former: tuple[str, ...], now: tuple[str, ...]) -> None:
    op.create_index(op.f(f"ix_birth_years_{'_'.join(now)}"), "birth_years", list(now))
    op.drop_index(op.f(f"ix_birth_years_{'_'.join(former)}"), "birth_years")
