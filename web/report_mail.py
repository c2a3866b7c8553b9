"""Kept reports on their way by e-mail: made with the eyes of who has them sent, sent once for each time.

A mail server that is away or refuses is tried again; why stands beside the report.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from email.message import EmailMessage
from typing import Never
from zoneinfo import ZoneInfo

import aiosmtplib
import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core import audit
from crm_core.db import Database
from crm_core.errors import Refused
from crm_core.outage import is_outage
from crm_core.read.figure_labels import zones
from crm_core.report import Format, Report, ReportMail
from crm_core.report_mail import take_due, was_not_sent, was_sent
from web.kept_report import make
from web.report_files import File, as_file
from web.rights import SEND_REPORTS, VIEW_FIGURES, Person
from web.sessions import person_of
from web.settings import Settings, SmtpTls

EVERY_S = 30.0
PATIENCE_S = 30.0
log = structlog.get_logger(__name__)


class NotSent(Exception):
    """Why a report could not be sent; a sentence for whoever wanted it."""


async def keep_sending(database: Database, settings: Settings, now: Callable[[], datetime]) -> Never:
    """For ever. While the database is away reports wait in it."""
    while True:
        try:
            while await send_due(database, settings, now()):
                pass
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("the database is away, reports wait", error=type(error).__name__)
        await asyncio.sleep(EVERY_S)


async def send_due(database: Database, settings: Settings, at: datetime) -> bool:
    """Send the report that is due longest; whether there was one."""
    async with database.begin() as session:
        found = await take_due(session, at)
        if found is None:
            return False
        mail, report = found
        zone = ZoneInfo((await zones(session))[0])
        try:
            await _send(session, mail, report, settings, at)
        except NotSent as why:
            log.warning("a report was not sent", report=report.id, why=str(why))
            was_not_sent(mail, str(why), zone, at)
        else:
            was_sent(mail, zone, at)
            await audit.record(
                session, user_id=mail.user_id, action="report.sent", object_kind="report", object_id=report.id,
                detail={"recipients": mail.recipients, "format": mail.format},
            )  # fmt: skip
        return True


async def _send(
    session: AsyncSession, mail: ReportMail, report: Report, settings: Settings, at: datetime
) -> None:
    who = await person_of(session, mail.user_id)
    if who is None or not (who.may(VIEW_FIGURES) and who.may(SEND_REPORTS)):
        raise NotSent("Who has it sent may not see or send reports any more.")
    try:
        grid = await make(session, report.spec, who, at)
    except (Refused, ValueError) as refused:
        raise NotSent(f"The report can not be made: {refused}") from refused
    file = await as_file(grid, report.name, Format(mail.format))
    days = f"{grid.asked.first:%d.%m.%Y} – {grid.asked.last:%d.%m.%Y}"
    await deliver(settings, letter(settings, mail, report, who, file, days))


def letter(
    settings: Settings, mail: ReportMail, report: Report, who: Person, file: File, days: str
) -> EmailMessage:
    """The message. Its id is that of report and time, so a second sending of the same is one message in a mailbox."""
    message = EmailMessage()
    message["Subject"] = f"{' '.join(report.name.split())}, {days}"
    message["From"] = settings.smtp_from
    message["To"] = ", ".join(mail.recipients)
    host = str(settings.smtp_from).rpartition("@")[2].strip("> ")
    message["Message-ID"] = f"<report-{mail.id}-{mail.next_at:%Y%m%d%H%M}@{host}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(f"{report.name}\n{days}\n\nSent by Callcenter for {who.name}.\n")
    kind, _, name = file.content_type.partition(";")[0].partition("/")
    message.add_attachment(file.body, maintype=kind, subtype=name, filename=f"report.{mail.format}")
    return message


async def deliver(settings: Settings, message: EmailMessage) -> None:
    """Hand a message to the mail server. Raises `NotSent`."""
    if settings.smtp_host is None:
        raise NotSent("There is no mail server: set SMTP_HOST and SMTP_FROM.")
    password = settings.smtp_password
    try:
        await aiosmtplib.send(
            message,
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_username,
            password=password.get_secret_value() if password else None,
            use_tls=settings.smtp_tls is SmtpTls.TLS,
            start_tls=settings.smtp_tls is SmtpTls.STARTTLS,
            timeout=PATIENCE_S,
        )
    except (aiosmtplib.SMTPException, OSError) as error:
        raise NotSent(f"The mail server did not take it: {error}") from error
