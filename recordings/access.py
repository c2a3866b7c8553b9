"""Short-lived signed addresses of sound: who holds one may fetch that one recording until it expires.

Pure. The route that serves the sound checks rights again; the signature only keeps ids from being tried one
by one and a copied address from living for ever.
"""

import hashlib
import hmac


def sign(recording_id: int, expires: int, secret: str) -> str:
    """Return the signature (64 hex digits) to fetch this recording until `expires` (Unix seconds, UTC)."""
    message = f"recording:{recording_id}:{expires}".encode()
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def verify(recording_id: int, expires: int, signature: str, secret: str, *, now: int) -> bool:
    """True when the signature is ours and `now` (Unix seconds, UTC) is not after `expires`."""
    expected = sign(recording_id, expires, secret)
    genuine = hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))
    return genuine and now <= expires
