"""The refusals of the domain. Raised where they are known; each becomes an HTTP status in one middleware.

A message is one sentence for the person at the screen; it never carries a secret or a stack.
"""


class Refused(Exception):
    """Common parent of the refusals; never raised itself."""


class NotFound(Refused):
    """There is no such object, or this user may not know that there is."""


class Conflict(Refused):
    """The object changed meanwhile, or its state does not allow the step."""


class Stale(Conflict):
    """Somebody wrote meanwhile; `version` is the newest."""

    def __init__(self, message: str, version: int) -> None:
        super().__init__(message)
        self.version = version


class Forbidden(Refused):
    """The user is known but has no right to do this."""


class Invalid(Refused):
    """What was given can not be right. `field` names the part at fault, when there is one."""

    def __init__(self, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.field = field
