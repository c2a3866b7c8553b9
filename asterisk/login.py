"""Who we are to the PBX: the account, and the two ways to prove it."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from asterisk.protocol import ActionRefused, LinkLost, Request

Ask = Callable[[Request], Awaitable[Request]]


class LoginRefused(ConnectionError):
    """Wrong name, wrong password or a forbidden address. AMI does not say which."""


SHUTTING_DOWN = "shutting down"
"""In what a switchboard that ends answers to everything, a login too (`process_message` of Asterisk's manager.c)."""


@dataclass(frozen=True, slots=True)
class AmiConfig:
    """One PBX and our account there (`manager.conf`)."""

    pbx: str  # our name for it, part of each call's identity
    host: str
    port: int = 5038
    username: str = ""
    secret: str = field(default="", repr=False)  # never in a log
    tls: bool = False  # `tlsenable` of manager.conf; the certificate is checked
    tls_ca: str | None = None  # PEM file to check it with, for a PBX that signed its own; else the system's
    challenge: bool = True  # prove the secret by MD5 instead of sending it; plain where that is refused


async def log_in(ask: Ask, config: AmiConfig) -> None:
    """Log in and subscribe to all events that the account may read. Raises `LoginRefused`, `LinkLost`."""
    proof = await _by_challenge(ask, config) if config.challenge else None
    if proof is None:
        proof = {"Secret": config.secret}
    headers = {"Username": config.username, "Events": "on", **proof}
    try:
        await ask(Request("Login", headers, as_list=False))
    except ActionRefused as refusal:
        if SHUTTING_DOWN in refusal.message:  # nothing is wrong with the account
            raise LinkLost(refusal.message) from None
        raise LoginRefused(f"login as {config.username!r} refused: {refusal.message}") from refusal


async def _by_challenge(ask: Ask, config: AmiConfig) -> Mapping[str, str] | None:
    """Return the headers that prove the secret; None when the PBX knows no challenge."""
    try:
        answer = await ask(Request("Challenge", {"AuthType": "MD5"}, as_list=False))
    except ActionRefused:
        return None  # plain is as safe here: who can forge this answer can take over the connection anyway
    challenge = answer.responses[0].get("Challenge")
    if challenge is None:
        return None
    key = hashlib.md5((challenge + config.secret).encode(), usedforsecurity=False).hexdigest()
    return {"AuthType": "MD5", "Key": key}
