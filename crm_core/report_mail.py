"""When a kept report is sent, to whom, and what happens when it can not be."""

import re
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.errors import Invalid, NotFound
from crm_core.report import Every, Format, Report, ReportMail

MOST_RECIPIENTS = 20
TRIES = 6  # then the next time that is due anyway is waited for
AGAIN = timedelta(minutes=10)  # and twice as long after every try
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})+")


def next_time(every: Every, hour: int, zone: ZoneInfo, after: datetime) -> datetime:
    """When a report is sent next: each day, each Monday or each first of a month at this hour. Pure."""
    day = after.astimezone(zone).date()
    while True:
        here = datetime.combine(day, time(hour), zone)
        fits = {Every.DAY: True, Every.WEEK: day.weekday() == 0, Every.MONTH: day.day == 1}[every]
        if fits and here > after:
            return here
        day += timedelta(days=1)


def addresses(text: str) -> list[str]:
    """The addresses somebody typed, with commas, blanks or lines between. Raises `Invalid`."""
    found = list(dict.fromkeys(it for it in re.split(r"[\s,;]+", text) if it))
    wrong = next((it for it in found if not _ADDRESS.fullmatch(it)), None)
    if wrong is not None:
        raise Invalid(f"This is no e-mail address: {wrong[:60]}.", "recipients")
    if not 1 <= len(found) <= MOST_RECIPIENTS:
        raise Invalid(f"Name 1 to {MOST_RECIPIENTS} e-mail addresses.", "recipients")
    return found


async def send_regularly(
    session: AsyncSession,
    report: Report,
    *,
    user_id: int,
    recipients: Sequence[str],
    every: Every,
    hour: int,
    format: Format,
    zone: ZoneInfo,
    at: datetime,
) -> ReportMail:
    """Send this report from now on as this person sees it, in the place of how he had it sent. Raises `Invalid`."""
    mail = await mail_of(session, report.id, user_id=user_id) or ReportMail(
        report_id=report.id, user_id=user_id
    )
    mail.recipients = addresses(" ".join(recipients))
    mail.every, mail.hour, mail.format = every, hour, format
    mail.next_at, mail.failed, mail.tries = next_time(every, hour, zone, at), None, 0
    session.add(mail)
    await session.flush()
    return mail


async def mail_of(session: AsyncSession, report_id: int, *, user_id: int) -> ReportMail | None:
    """How this person has a report sent; None: not at all."""
    own = (ReportMail.report_id == report_id, ReportMail.user_id == user_id)
    found: ReportMail | None = await session.scalar(select(ReportMail).where(*own))
    return found


async def stop_sending(session: AsyncSession, report_id: int, *, user_id: int) -> None:
    """Send it no more. Raises `NotFound`."""
    mail = await mail_of(session, report_id, user_id=user_id)
    if mail is None:
        raise NotFound("This report is not sent.")
    await session.delete(mail)
    await session.flush()


async def take_due(session: AsyncSession, at: datetime) -> tuple[ReportMail, Report] | None:
    """The one that is due longest, kept from other processes until the end of this transaction."""
    due = (
        select(ReportMail, Report)
        .join(Report, Report.id == ReportMail.report_id)
        .where(ReportMail.next_at <= at)
        .order_by(ReportMail.next_at)
        .limit(1)
        .with_for_update(skip_locked=True, of=ReportMail)
    )
    row = (await session.execute(due)).first()
    return None if row is None else (row[0], row[1])


def was_sent(mail: ReportMail, zone: ZoneInfo, at: datetime) -> None:
    """It is on its way."""
    mail.sent_at, mail.failed, mail.tries = at, None, 0
    mail.next_at = next_time(Every(mail.every), mail.hour, zone, at)


def was_not_sent(mail: ReportMail, why: str, zone: ZoneInfo, at: datetime) -> None:
    """Try again, later each time; after some tries when it is due anyway."""
    mail.failed, mail.tries = why[:500], mail.tries + 1
    regular = next_time(Every(mail.every), mail.hour, zone, at)
    if mail.tries >= TRIES:
        mail.next_at, mail.tries = regular, 0
    else:
        mail.next_at = min(regular, at + AGAIN * 2 ** (mail.tries - 1))
