"""Is the database away, or did it refuse this one statement?"""

from collections.abc import Iterator

from asyncpg import InterfaceError, InternalClientError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

AWAY = ("08", "57P", "53")  # PostgreSQL, appendix A: the connection; shutting down, starting up; nothing left
COLLIDED = "40"  # the same: two transactions stood in each other's way


def is_outage(error: BaseException) -> bool:
    """True when the database could not be reached, is starting or stopping, cut the connection or had none free."""
    return any(_is_away(cause) for cause in _causes(error))


def is_collision(error: BaseException) -> bool:
    """True when another transaction was in the way (a deadlock): the same once more will do."""
    return any((getattr(cause, "sqlstate", None) or "").startswith(COLLIDED) for cause in _causes(error))


def _is_away(cause: BaseException) -> bool:
    if isinstance(cause, ConnectionError | TimeoutError | NoConnectionFree):
        return True
    if isinstance(cause, FileNotFoundError) and cause.filename is None:  # a Unix socket; a file has its name
        return True
    if isinstance(cause, DBAPIError) and cause.connection_invalidated:
        return True
    if isinstance(cause, InternalClientError):  # a connection died while it was given back
        return True
    if type(cause) is InterfaceError and "closed" in str(cause):  # dead before it was used; not a DataError
        return True
    return (getattr(cause, "sqlstate", None) or "").startswith(AWAY)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it stands for: SQLAlchemy's holds the driver's in `orig`, that one's cause is asyncpg's."""
    while error is not None:
        yield error
        error = getattr(error, "orig", None) or error.__cause__
