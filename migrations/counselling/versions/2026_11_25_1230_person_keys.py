"""Each person has a key in counselling, under which what is personal is sealed."""

from migrations.kernel_4 import drop_person_keys, make_person_keys

revision = "counselling_5"
down_revision = "counselling_4"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_person_keys("counselling")


def downgrade() -> None:
    drop_person_keys()
