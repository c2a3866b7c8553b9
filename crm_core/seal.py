"""Secrets that must be said again, such as the password of a supplier's server: sealed with the house's key, so that
neither the database nor a copy of it tells them.

Source: Fernet of `cryptography` (AES-128-CBC, HMAC-SHA256).
"""

from base64 import urlsafe_b64encode
from hashlib import sha256

from cryptography.fernet import Fernet, InvalidToken

from crm_core.errors import Invalid

_MARK = "sealed:"


class Seal:
    """Seals and opens with one key."""

    def __init__(self, key: bytes) -> None:
        self._box = Fernet(urlsafe_b64encode(sha256(b"callcenter seal " + key).digest()))

    def close(self, secret: str) -> str:
        """What may be kept."""
        return _MARK + self._box.encrypt(secret.encode()).decode()

    def open(self, kept: str) -> str:
        """The secret; one that was kept before there were seals comes back as it is. Raises `Invalid`."""
        if not is_sealed(kept):
            return kept
        try:
            return self._box.decrypt(kept.removeprefix(_MARK)).decode()
        except InvalidToken:
            raise Invalid(
                "The password was kept with another key than CALLCENTER_SECRET_KEY is now: type it again.",
                "password",
            ) from None


def is_sealed(kept: str) -> bool:
    """Nobody can read it without the key."""
    return kept.startswith(_MARK)
