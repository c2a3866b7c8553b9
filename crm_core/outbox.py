"""News for the other processes, written in the same transaction as the change itself."""

from typing import Any

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped

from crm_core.db import Base, Id


class OutboxRow(Base):
    """One piece of news. `seq` is given when it is published: ids are drawn before the commit, so a
    reader that remembered the highest id would miss a row that was committed late."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_seq", "seq", unique=True),
        Index("ix_outbox_unpublished", "id", postgresql_where=text("seq IS NULL")),
    )

    id: Mapped[Id]
    seq: Mapped[int | None]
    topic: Mapped[str]
    payload: Mapped[dict[str, Any]]
