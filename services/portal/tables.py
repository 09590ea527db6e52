"""What the portal keeps: browser sessions, sign-ins on the way and forms that outlast a sign-in, all of it sealed."""

import sqlalchemy as sa

from shared.tables import NAMING, scope

METADATA = sa.MetaData(naming_convention=NAMING)

sa.Table(
    "browser_sessions",
    METADATA,
    # The SHA-256 of what the browser's cookie holds: whoever reads the table can be nobody.
    sa.Column("id_hash", sa.LargeBinary, primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    sa.Index(None, "expires_at"),
    sa.CheckConstraint("octet_length(id_hash) = 32", name="id_hash_size"),
    info=scope("any"),
)
sa.Table(
    "pending_sign_ins",
    METADATA,
    sa.Column("id_hash", sa.LargeBinary, primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    sa.Index(None, "expires_at"),
    sa.CheckConstraint("octet_length(id_hash) = 32", name="id_hash_size"),
    info=scope("any"),
)
sa.Table(
    "kept_forms",
    METADATA,
    # A keyed hash of person and path, so that nobody else can ask for what somebody typed.
    sa.Column("id_hash", sa.LargeBinary, primary_key=True),
    sa.Column("owner_hash", sa.LargeBinary, nullable=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
    sa.Index(None, "owner_hash"),
    sa.Index(None, "expires_at"),
    sa.CheckConstraint("octet_length(id_hash) = 32", name="id_hash_size"),
    info=scope("any"),
)
