"""The people who work here, and the telephones they have."""

from enum import StrEnum

from sqlalchemy import ForeignKey, Index, UniqueConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Flag, Id, one_of


class Role(StrEnum):
    """What somebody is here; rights follow from it."""

    OPERATOR = "operator"
    SENIOR = "senior"
    SUPERVISOR = "supervisor"
    MANAGER = "manager"
    ADMIN = "admin"


class User(Base):
    """Somebody who may sign in. `password_hash` is NULL for one who may not (yet)."""

    __tablename__ = "users"
    __table_args__ = (one_of("role", Role),)

    id: Mapped[Id]
    login: Mapped[str]
    name: Mapped[str]
    role: Mapped[str]
    password_hash: Mapped[str | None]
    active: Mapped[Flag] = mapped_column(server_default="true", default=True)
    timezone: Mapped[str] = mapped_column(server_default="UTC", default="UTC")


Index("uq_users_login_lower", func.lower(User.login), unique=True)


class Extension(Base):
    """A telephone of a user; one user may have several."""

    __tablename__ = "extensions"
    __table_args__ = (UniqueConstraint("pbx", "extension"),)

    id: Mapped[Id]
    pbx: Mapped[str]
    extension: Mapped[str]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
