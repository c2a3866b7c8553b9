"""Looks at one switchboard through its manager: what is refused stays unseen, nothing is changed.

The one thing that is set is a global variable named CALLCENTER_DOCTOR: its event shows whether the class
`dialplan` reaches us. The account's secret, which `GetConfig` repeats, is dropped where it arrives.
"""

import re
import time
from collections.abc import Awaitable, Iterable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from asterisk import events as e
from asterisk.ami import AmiConfig
from asterisk.protocol import ActionRefused, ActionTimeout, LinkLost, NotAsterisk
from asterisk.visit import NoAnswer, NotAdmitted, Visit, visit
from callcenter.call import Rules
from callcenter.clicktocall import Dialplan
from callcenter.doctor.control_checks import EXTENSIONS, KEYS
from callcenter.doctor.floor_checks import WANTED_MODULES
from callcenter.doctor.pbx_facts import Flavour, Member, PbxFacts, Reach

OUR_VARIABLE = "CALLCENTER_DOCTOR"
BOOTED_S = 1.5  # FullyBooted follows the login at once
PROBE_S = 1.5
KEPT = ("read", "write", "writetimeout", "timestampevents")  # of manager.conf; never the secret
# An action that needs exactly this class; who may do it holds the class.
SHOWS_CLASS = {
    "call": "Redirect",
    "agent": "QueuePause",
    "originate": "Originate",
    "system": "Filter",
    "command": "Command",
    "config": "UpdateConfig",
    "reporting": "CoreShowChannels",  # or system, which allows the same lists
}
# What a link has heard, as classes of manager.conf.
CLASS_OF: Mapping[type[e.Event], str] = {
    e.ChannelCreated: "call",
    e.ChannelHungUp: "call",
    e.BridgeEntered: "call",
    e.QueueJoined: "agent",
    e.AgentCalled: "agent",
    e.MemberPaused: "agent",
    e.LineNamed: "dialplan",
    e.QueueTried: "dialplan",
    e.ChannelTagged: "dialplan",
}
Answer = TypeVar("Answer")


async def look_at(
    account: AmiConfig,
    rules: Rules,
    dialplan: Dialplan,
    *,
    sample: str,
    heard: Iterable[type[e.Event]] = (),
) -> PbxFacts:
    """Visit one PBX. `sample`: a number that click-to-call could dial; `heard`: what a link has already heard."""
    facts = PbxFacts(
        pbx=account.pbx,
        host=account.host,
        port=account.port,
        username=account.username,
        reach=Reach.CONNECTED,
        rules=rules,
        dialplan=dialplan,
        sample=sample,
        reads_seen=frozenset(CLASS_OF[kind] for kind in heard if kind in CLASS_OF),
    )
    try:
        async with visit(account) as here:
            return await _look_around(here, facts)
    except NoAnswer as error:
        return replace(facts, reach=Reach(error.why), detail=str(error))
    except NotAsterisk as error:
        return replace(facts, reach=Reach.FOREIGN, detail=str(error))
    except NotAdmitted as error:
        return replace(facts, reach=Reach.REFUSED, detail=str(error), our_address=error.our_address)
    except (LinkLost, ActionTimeout) as error:
        return replace(facts, reach=Reach.LOST, detail=str(error))


async def _look_around(here: Visit, facts: PbxFacts) -> PbxFacts:
    facts = replace(facts, ami_version=here.version, our_address=here.our_address)
    booted = await here.heard("FullyBooted", BOOTED_S)
    facts = replace(facts, **await _clock(here), **await _rights(here, facts.username))
    varset = await _probe(here, facts)
    facts = replace(facts, **await _settings(here, facts))
    seen = {str(event["Privilege"]).partition(",")[0] for event in here.events if "Privilege" in event}
    missing = {name for name, came in (("system", booted is not None), ("dialplan", varset)) if came is False}
    stamped = next(
        ("Timestamp" in event for event in here.events if "Privilege" in event and event is not booted), None
    )
    if stamped is None and booted is not None:
        stamped = "Timestamp" in booted or None
    return replace(
        facts,
        reads_seen=facts.reads_seen | seen,
        reads_missing=frozenset(missing) - facts.reads_seen,
        stamped=facts.stamped if stamped is None else stamped,
        **await _things(here, facts),
    )


async def _clock(here: Visit) -> dict[str, Any]:
    """How far away, and how far its clock is from ours."""
    asked = time.time()
    answer = await _maybe(here.request("Ping"))
    answered = time.time()
    stamp = (answer or {}).get("Timestamp", "")
    known = re.fullmatch(r"\d+(\.\d+)?", stamp)
    return {
        "latency_s": answered - asked if answer is not None else None,
        "skew_s": float(stamp) - (asked + answered) / 2 if known else None,
    }


async def _rights(here: Visit, username: str) -> dict[str, Any]:
    listed = await _maybe(here.request("ListCommands"))
    core = await _maybe(here.request("CoreSettings"))
    version = (core or {}).get("AsteriskVersion")
    found: dict[str, Any] = {"version": f"Asterisk {version}" if version else None}
    if listed is None:
        return found
    allowed = {name.lower() for name in listed}
    held = {name for name, action in SHOWS_CLASS.items() if action.lower() in allowed}
    if "queuestatus" not in allowed:
        held.add("agent")  # app_queue is not loaded: nothing shows whether the class is there
    return found | {"writes": frozenset(held), "may_filter": "filter" in allowed}


async def _probe(here: Visit, facts: PbxFacts) -> bool | None:
    """Whether a variable that is set is heard; None when we may not set one."""
    if not facts.may_write("call"):
        return None
    if await _maybe(here.request("Setvar", Variable=OUR_VARIABLE, Value="here")) is None:
        return None
    return await here.heard("VarSet", PROBE_S) is not None


async def _settings(here: Visit, facts: PbxFacts) -> dict[str, Any]:
    """What manager.conf says about us, where the PBX lets us read it; else what its console says."""
    own = await _section(here, facts.username)
    if own:
        general = await _section(here, "general") or {}
        timeout = own.get("writetimeout", "")
        stamps = general.get("timestampevents")
        return {
            "config_seen": True,
            "reads": _classes(own.get("read", "")),
            "writetimeout_ms": int(timeout) if timeout.isdigit() else None,
            "stamped": stamps is not None and stamps.lower() in ("yes", "true", "on", "1"),
        }
    shown = await _maybe(here.request("Command", Command=f"manager show user {facts.username}"))
    found = re.search(r"read perm:\s*(\S+)", (shown or {}).get("Output", ""))
    return {"reads": _classes(found[1])} if found else {}


async def _section(here: Visit, name: str) -> dict[str, str] | None:
    answer = await _maybe(here.request("GetConfig", Filename="manager.conf", Category=name))
    if answer is None:
        return None
    pairs = (line.partition("=") for key, line in answer.items() if key.startswith("Line-"))
    return {option: value for option, _, value in pairs if option in KEPT}


def _classes(text: str) -> frozenset[str]:
    return frozenset(part.strip() for part in text.split(",") if part.strip())


async def _things(here: Visit, facts: PbxFacts) -> dict[str, Any]:
    """Phones, queues, contexts, modules, parking lots."""
    queues = await _maybe(here.request_list("QueueStatus"))
    lots = await _maybe(here.request_list("Parkinglots"))
    freepbx = await _variable(here, "MIXMON_FORMAT")
    return {
        "interfaces": await _interfaces(here),
        "queues": None
        if queues is None
        else tuple(i["Queue"] for i in queues if i["Event"] == "QueueParams"),
        "members": tuple(_member(item) for item in queues or () if item["Event"] == "QueueMember"),
        "parking": None if lots is None else tuple(i["Name"] for i in lots if i["Event"] == "Parkinglot"),
        "flavour": Flavour.FREEPBX if freepbx else Flavour.ASTERISK,
        "spool": await _variable(here, "ASTSPOOLDIR") or None,
        "modules": await _modules(here),
        "extensions": {place: await _exists(here, *place) for place in EXTENSIONS},
        "features": await _features(here),
        "application_map": await _application_map(here),
        **await _context(here, facts),
    }


async def _features(here: Visit) -> dict[str, str] | None:
    """The keys that are set; the functions exist since Asterisk 12."""
    if not await _variable(here, "FEATURE(featuredigittimeout)"):
        return None
    return {
        name: await _variable(here, f"{'FEATUREMAP' if section == 'featuremap' else 'FEATURE'}({name})") or ""
        for name, (section, *_) in KEYS.items()
    }


async def _application_map(here: Visit) -> frozenset[str] | None:
    answer = await _maybe(here.request("GetConfig", Filename="features.conf", Category="applicationmap"))
    if answer is None:
        return None
    return frozenset(
        line.partition("=")[0].strip() for key, line in answer.items() if key.startswith("Line-")
    )


async def _exists(here: Visit, context: str, exten: str) -> bool | None:
    said = await _variable(here, f"DIALPLAN_EXISTS({context},{exten},1)")
    return {"1": True, "0": False}.get(said or "")


def _member(item: Mapping[str, str]) -> Member:
    return Member(
        queue=item["Queue"],
        interface=item["Location"],
        name=item.get("Name", ""),
        state=item.get("Status", ""),
    )


async def _interfaces(here: Visit) -> dict[str, str] | None:
    """Endpoints of PJSIP and peers of SIP; where neither may be listed, the devices whose state is known."""
    pjsip = await _maybe(here.request_list("PJSIPShowEndpoints"))
    sip = await _maybe(here.request_list("SIPpeers"))
    found = {f"PJSIP/{i['ObjectName']}": i.get("DeviceState", "") for i in pjsip or () if "ObjectName" in i}
    found |= {f"SIP/{i['ObjectName']}": i.get("Status", "") for i in sip or () if "ObjectName" in i}
    if pjsip is not None or sip is not None:
        return found
    devices = await _maybe(here.request_list("DeviceStateList"))
    if devices is None:
        return None
    phones = ("PJSIP/", "SIP/", "IAX2/", "SCCP/", "DAHDI/")
    return {i["Device"]: i.get("State", "") for i in devices if i.get("Device", "").startswith(phones)}


async def _modules(here: Visit) -> dict[str, bool] | None:
    found: dict[str, bool] = {}
    for name in WANTED_MODULES:
        try:
            await here.request("ModuleCheck", Module=f"{name}.so")
            found[name] = True
        except ActionRefused as refusal:
            if "not loaded" not in refusal.message.lower():
                return None  # no such right
            found[name] = False
        except ActionTimeout:
            return None
    return found


async def _context(here: Visit, facts: PbxFacts) -> dict[str, Any]:
    """Does the context exist, and does it take the sample number?"""
    name = facts.dialplan.context
    dials = await _exists(here, name, facts.sample)
    exists: bool | None = True if dials else None
    if not dials:
        try:
            await here.request_list("ShowDialPlan", Context=name)
            exists = True
        except ActionRefused as refusal:
            exists = False if "did not find context" in refusal.message.lower() else None
        except ActionTimeout:
            exists = None
    return {"context_dials": dials, "context_exists": exists}


async def _variable(here: Visit, name: str) -> str | None:
    answer = await _maybe(here.request("Getvar", Variable=name))
    return None if answer is None else answer.get("Value", "")


async def _maybe(answer: Awaitable[Answer]) -> Answer | None:
    """The answer; None when it is refused or does not come."""
    try:
        return await answer
    except (TimeoutError, ActionRefused, ActionTimeout):
        return None
