"""A site described in a TOML file, for those who want our whole switchboard: `callcenter pbx-conf`.

A text of the form "env:NAME" is taken from the environment, so that the file can be shown to others. The AMI secret
is CALLCENTER_AMI_SECRET where the file does not give one.

In:      a file as `deploy/site.example.toml`
Out:     a `Site`
Raises:  `ValueError` with a sentence that names the place, `OSError`
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, TypeVar

from asterisk.site import Line, Phone, Queue, Site, Trunk

Part = TypeVar("Part")
LISTS: Mapping[str, type[Any]] = {"phones": Phone, "queues": Queue, "lines": Line}
KINDS = {"str": str, "int": int, "bool": bool, "tuple[str, ...]": tuple}


def read_site(file: Path, environment: Mapping[str, str] = os.environ) -> Site:
    """Read the file."""
    try:
        given = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{file}: {error}") from error
    if "CALLCENTER_AMI_SECRET" in environment:
        given.setdefault("ami_secret", environment["CALLCENTER_AMI_SECRET"])
    if not isinstance(given.get("trunk"), dict):
        raise ValueError("a section [trunk] is needed")
    made: dict[str, Any] = {"trunk": _part(Trunk, given.pop("trunk"), "trunk", environment)}
    for name, kind in LISTS.items():
        parts = given.pop(name, [])
        if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
            raise ValueError(f"{name} are written as sections [[{name}]]")
        made[name] = tuple(
            _part(kind, part, f"{name}, the {n}.", environment) for n, part in enumerate(parts, 1)
        )
    site = _part(Site, given | made, "the file", environment)
    _agree(site)
    return site


def _part(kind: type[Part], given: Mapping[str, Any], where: str, environment: Mapping[str, str]) -> Part:
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]  # each is a dataclass
    if strange := given.keys() - known.keys():
        raise ValueError(f"{where}: {', '.join(sorted(strange))} is not known; known are {', '.join(known)}")
    needed = {name for name, field in known.items() if field.default is field.default_factory is MISSING}
    if missing := needed - given.keys():
        raise ValueError(f"{where}: {', '.join(sorted(missing))} is missing")
    values = {}
    for name, value in given.items():
        wanted = KINDS.get(str(getattr(known[name].type, "__name__", known[name].type)))
        value = tuple(value) if isinstance(value, list) else value
        if isinstance(value, str) and value.startswith("env:"):
            value = _from_environment(value[4:], where, environment)
        if wanted is not None and type(value) is not wanted:
            raise ValueError(f"{where}: {name} must be {wanted.__name__}")
        values[name] = value
    return kind(**values)


def _from_environment(name: str, where: str, environment: Mapping[str, str]) -> str:
    if not environment.get(name):
        raise ValueError(f"{where}: the environment has no {name}")
    return environment[name]


def _agree(site: Site) -> None:
    """Lines must lead somewhere, members must exist."""
    queues, phones = {queue.name for queue in site.queues}, {phone.extension for phone in site.phones}
    for queue in site.queues:
        site.members(queue)
    for line in site.lines:
        if bool(line.queue) == bool(line.extension):
            raise ValueError(f"line {line.number}: give either a queue or an extension")
        if line.queue and line.queue not in queues:
            raise ValueError(f"line {line.number}: there is no queue {line.queue}")
        if line.extension and line.extension not in phones:
            raise ValueError(f"line {line.number}: there is no phone {line.extension}")
