"""What a link asks the PBX after each login, because nothing is replayed that was missed.

The answers flow to the inbox as events like all others; here they only are asked for, one list after the
other, so that the items of one bridge lie together in the stream.
"""

import logging
from collections.abc import Mapping
from typing import Protocol as Shape

from asterisk.protocol import ActionRefused, ActionTimeout

log = logging.getLogger(__name__)

TRIES = 3  # for the list of channels: without it nobody knows which calls are over
BRIDGE_INFO = "bridge/"  # ActionID of BridgeInfo: this and the BridgeUniqueid


class Asks(Shape):
    async def request(self, action: str, /, **headers: str) -> Mapping[str, str]: ...
    async def request_list(self, action: str, /, **headers: str) -> list[dict[str, str]]: ...


async def resync(link: Asks) -> str | None:
    """Ask for channels, bridges, queues and device states; return the version of Asterisk, if it says it.

    Left out: a list that the account may not read or that does not end (that of the channels is asked for again
    before), a bridge that is gone meanwhile.
    Raises `LinkLost`.
    """
    await _ask_list(link, "CoreShowChannels", tries=TRIES)
    for item in await _ask_list(link, "BridgeList"):
        if "BridgeUniqueid" in item:  # not in the closing one
            await _ask_bridge(link, item["BridgeUniqueid"])
    await _ask_list(link, "QueueStatus")
    await _ask_list(link, "DeviceStateList")
    return await _version(link)


async def _ask_list(link: Asks, action: str, *, tries: int = 1, **headers: str) -> list[dict[str, str]]:
    for _ in range(tries):
        try:
            return await link.request_list(action, **headers)
        except ActionTimeout as error:
            log.warning("resync: no whole answer to %s: %s", action, error)
        except ActionRefused as error:
            log.warning("resync without %s: %s", action, error)
            break
    return []


async def _ask_bridge(link: Asks, bridge: str) -> None:
    """Ask who is in a bridge. The items do not say which bridge they are of, so the ActionID says it."""
    await _ask_list(link, "BridgeInfo", BridgeUniqueid=bridge, ActionID=BRIDGE_INFO + bridge)


async def _version(link: Asks) -> str | None:
    try:
        answer = await link.request("CoreSettings")
    except (ActionRefused, ActionTimeout):
        return None
    version = answer.get("AsteriskVersion")
    return f"Asterisk {version}" if version else None
