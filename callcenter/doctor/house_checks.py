"""Database, speech model, addresses, the secret key: our own side. Pure."""

from callcenter.doctor import places
from callcenter.doctor.finding import Finding, Fix, Verdict
from callcenter.doctor.house_facts import HouseFacts
from callcenter.recorder import REFUSED, SPOOL

OLDEST_POSTGRES = 16
LITTLE_BYTES = 2 << 30
NONE_LEFT_BYTES = 256 << 20
SKEW_S = 2.0
SLOW_DATABASE_S = 0.05
LANGUAGE_OF_COUNTRY = {
    "RU": "ru",
    "BY": "ru",
    "KZ": "kz",
    "UA": "uk",
    "PL": "pl",
    "DE": "de",
    "AT": "de",
    "FR": "fr",
    "ES": "es",
    "IT": "it",
    "CZ": "cs",
    "GB": "en",
    "US": "en",
    "TR": "tr",
    "NL": "nl",
}


def database(f: HouseFacts) -> Finding:
    """Does it answer, new enough, in our shape?"""
    seen = f.database
    if seen.error is not None:
        fix = places.setting(
            "Start PostgreSQL or correct its address.",
            'DATABASE_URL = "postgresql://user:password@host/callcenter"',
        )
        return _say("database", "database", Verdict.BAD, f"The database does not answer: {seen.error}.", fix)
    major = seen.version // 10_000
    if major < OLDEST_POSTGRES:
        fix = Fix(do=f"Move to PostgreSQL {OLDEST_POSTGRES} or newer (pg_dump there, psql here).")
        return _say("database", "database", Verdict.BAD, f"PostgreSQL {major} is too old.", fix)
    if seen.behind:
        fix = Fix(
            do="Bring it to the newest shape; the service does so at its start.", then="callcenter migrate"
        )
        return _say(
            "database", "database", Verdict.BAD, "The database has an older shape than this program.", fix
        )
    said = f"PostgreSQL {major} answers in {seen.latency_s * 1000:.1f} ms, has the newest shape and {_size(seen.size)}."
    if seen.latency_s > SLOW_DATABASE_S:
        fix = Fix(do="Run the database near this program: each card waits for it once.")
        return _say("database", "database", Verdict.CARE, said, fix)
    return _say("database", "database", Verdict.GOOD, said)


def database_clock(f: HouseFacts) -> Finding | None:
    """Sessions, callbacks and wrap-ups compare its clock with ours."""
    if f.database.error is not None:
        return None
    if abs(f.database.skew_s) < SKEW_S:
        return _say(
            "database",
            "clock",
            Verdict.GOOD,
            f"Its clock agrees with ours ({f.database.skew_s * 1000:+.0f} ms).",
        )
    fix = Fix(do="Keep both machines on network time.", then="timedatectl set-ntp true   (on both)")
    ahead = "ahead of" if f.database.skew_s > 0 else "behind"
    said = f"The database's clock is {abs(f.database.skew_s):.1f} s {ahead} ours."
    return _say("database", "clock", Verdict.BAD, said, fix)


def room(f: HouseFacts) -> Finding | None:
    """Is there room for rows and converted sound?"""
    if f.data_free is None:
        return None
    return disk("database", str(f.premises.data_dir), f.data_free)


def disk(about: str, place: str, free: int) -> Finding:
    """How much is left where something is written."""
    said = f"{_size(free)} are free at {place}."
    fix = Fix(do="Make room, or move it to a larger disk.", then=f"df -h {place}")
    verdict = Verdict.BAD if free < NONE_LEFT_BYTES else Verdict.CARE if free < LITTLE_BYTES else Verdict.GOOD
    return _say(about, "room", verdict, said, None if verdict is Verdict.GOOD else fix)


def refused_calls(f: HouseFacts) -> Finding | None:
    """Was every call accepted? What the database did not take lies beside the spool."""
    if not f.refused_calls:
        return None
    file = (f.premises.data_dir / SPOOL).with_name(REFUSED)
    said = f"The database did not accept {f.refused_calls} call(s); they are kept in {file}."
    fix = Fix(do="The log says why at “call not written”. They are tried again at each start of the service.")
    return _say("database", "refused calls", Verdict.BAD, said, fix)


def administrators(f: HouseFacts) -> Finding | None:
    """Somebody must be able to change something."""
    if f.database.admins is None:
        return None
    if f.database.admins:
        return _say(
            "service", "administrators", Verdict.GOOD, f"{f.database.admins} administrator(s) may sign in."
        )
    fix = Fix(do="Create one.", then="callcenter user add admin --role admin")
    return _say("service", "administrators", Verdict.BAD, "No administrator may sign in.", fix)


def speech(f: HouseFacts) -> Finding:
    """Does the model load?"""
    seen = f.speech
    if seen.wrong is not None:
        fix = places.setting(
            "Unpack a model of alphacephei.com/vosk/models and name its folder.",
            'VOSK_MODEL = "/srv/vosk-model-small-…"',
        )
        return _say("speech", "model", Verdict.BAD, seen.wrong, fix)
    how = f" and loads in {seen.loaded_s:.1f} s" if seen.loaded_s is not None else ""
    return _say(
        "speech",
        "model",
        Verdict.GOOD,
        f"The model {seen.model} ({seen.language or 'language unknown'}) is there{how}.",
    )


def language(f: HouseFacts) -> Finding | None:
    """A model of another language writes nonsense."""
    likely = LANGUAGE_OF_COUNTRY.get(f.premises.country)
    if f.premises.demo or f.speech.wrong or likely is None or f.speech.language in (None, likely):
        return None
    fix = places.setting(
        "Choose a model of the language your customers speak.", 'VOSK_MODEL = "/srv/vosk-model-…"'
    )
    said = f"The model understands '{f.speech.language}', the country is {f.premises.country}: texts may be nonsense."
    return _say("speech", "language", Verdict.CARE, said, fix)


def small_model(f: HouseFacts) -> Finding | None:
    """The model that comes with the program knows a few hundred words."""
    if f.premises.vosk_model is not None or f.premises.demo:
        return None
    fix = places.setting("Take a real model.", 'VOSK_MODEL = "/srv/vosk-model-small-…"')
    return _say(
        "speech",
        "vocabulary",
        Verdict.CARE,
        "The small model for trying out is used: it knows some 500 words of English.",
        fix,
    )


def address(f: HouseFacts) -> Finding:
    """Do browsers reach the pages and the push server?"""
    p = f.premises
    if p.public_url is None:
        if p.http_host in ("127.0.0.1", "localhost", "::1"):
            said = "Only this machine can open the pages; for others put a proxy with https in front."
            fix = places.setting(
                "Set the address that browsers use (deploy/proxy/nginx.conf is a proxy).",
                'PUBLIC_URL = "https://crm.example.com"',
            )
            return _say(
                "service", "address", Verdict.GOOD if p.demo else Verdict.CARE, said, None if p.demo else fix
            )
        fix = places.setting("Put a proxy with https in front.", 'PUBLIC_URL = "https://crm.example.com"')
        return _say(
            "service",
            "address",
            Verdict.CARE,
            "Pages are served without https: passwords travel in the clear.",
            fix,
        )
    seen = f.web
    if seen is None or seen.page_status is None:
        reason = seen.reason if seen else "not tried"
        fix = Fix(
            do="Check name, certificate and proxy; where only browsers reach that address this is no fault.",
            then=f"curl -v {p.public_url}/healthz",
        )
        return _say(
            "service", "address", Verdict.CARE, f"{p.public_url} does not answer from here ({reason}).", fix
        )
    if seen.page_status != 200:
        fix = Fix(
            do=f"Let the proxy send everything to port {p.http_port}.", then=f"curl -v {p.public_url}/healthz"
        )
        return _say(
            "service", "address", Verdict.BAD, f"{p.public_url}/healthz answers {seen.page_status}.", fix
        )
    if seen.push_status not in (101, 401):
        fix = Fix(
            do=f"Let the proxy send /push to port {p.push_port} with the headers Upgrade, Connection, Host, Origin.",
            file="deploy/proxy/nginx.conf shows it",
            then="nginx -t && nginx -s reload",
        )
        said = f"{p.public_url}/push answers {seen.push_status or 'nothing'}: no card will ever appear in a browser."
        return _say("service", "push", Verdict.BAD, said, fix)
    return _say(
        "service",
        "address",
        Verdict.GOOD,
        f"{p.public_url} serves the pages, and /push reaches the push server.",
    )


def secret_key(f: HouseFacts) -> Finding:
    """Who reads it can sign addresses of recordings."""
    if f.premises.secret_key_given:
        return _say("service", "secret key", Verdict.GOOD, "The secret key is set and long enough.")
    if f.key_mode is not None and f.key_mode & 0o077:
        file = f.premises.data_dir / "secret_key"
        fix = Fix(do="Take it from others.", then=f"chmod 600 {file}")
        return _say(
            "service", "secret key", Verdict.BAD, f"Others may read {file} (mode {f.key_mode:04o}).", fix
        )
    return _say(
        "service", "secret key", Verdict.GOOD, "The secret key was made here and only we can read it."
    )


HOUSE = (
    database,
    database_clock,
    room,
    refused_calls,
    administrators,
    speech,
    language,
    small_model,
    address,
    secret_key,
)


def _size(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1024:
            return f"{size:.0f} {unit}"
        size /= 1024
    return f"{size:.1f} TB"


def _say(about: str, check: str, verdict: Verdict, says: str, fix: Fix | None = None) -> Finding:
    return Finding(about=about, check=check, verdict=verdict, says=says, fix=fix)
