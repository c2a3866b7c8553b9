"""Recordings and transcripts as rows. What is done with them lives in the room `recordings`."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Id, one_of


class RecordingSide(StrEnum):
    """Whose voice is in the file."""

    MIX = "mix"
    CALLER = "caller"
    AGENT = "agent"
    STEREO = "stereo"
    MONO = "mono"


class RecordingState(StrEnum):
    """Whether the file can be played, and if not, why."""

    EXPECTED = "expected"
    READY = "ready"
    EMPTY = "empty"
    UNREADABLE = "unreadable"
    MISSING = "missing"
    EXPIRED = "expired"


class TranscriptState(StrEnum):
    """How far the machine is with the text of a call."""

    QUEUED = "queued"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"
    NO_MODEL = "no_model"
    EMPTY = "empty"


class PhraseSide(StrEnum):
    """Who said it."""

    CUSTOMER = "customer"
    OPERATOR = "operator"
    UNKNOWN = "unknown"


class Recording(Base):
    """One sound file of a call; `path` is relative to the folder of its switchboard."""

    __tablename__ = "recordings"
    __table_args__ = (
        UniqueConstraint("pbx", "path"),
        one_of("side", RecordingSide),
        one_of("state", RecordingState),
        Index("ix_recordings_expected", "created_at", postgresql_where=text("state = 'expected'")),
    )

    id: Mapped[Id]
    call_id: Mapped[UUID] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"), index=True)
    pbx: Mapped[str]
    path: Mapped[str | None]
    side: Mapped[str]
    state: Mapped[str]
    seconds: Mapped[float | None]
    bytes: Mapped[int | None]
    error: Mapped[str | None]
    found_by: Mapped[str | None]
    taken_at: Mapped[datetime | None]


class Transcript(Base):
    """The text of one call, made by a machine."""

    __tablename__ = "transcripts"
    __table_args__ = (UniqueConstraint("call_id"), one_of("state", TranscriptState))

    id: Mapped[Id]
    call_id: Mapped[UUID] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"))
    state: Mapped[str]
    engine: Mapped[str | None]
    model: Mapped[str | None]
    language: Mapped[str | None]
    error: Mapped[str | None]
    finished_at: Mapped[datetime | None]


class Phrase(Base):
    """Something said, with its place in the recording (seconds from its start)."""

    __tablename__ = "phrases"
    __table_args__ = (
        one_of("side", PhraseSide),
        Index("ix_phrases_transcript", "transcript_id", "start_s"),
        Index("ix_phrases_words", text("phrase_words(text)"), postgresql_using="gin"),
    )

    id: Mapped[Id]
    transcript_id: Mapped[int] = mapped_column(ForeignKey("transcripts.id", ondelete="CASCADE"))
    side: Mapped[str]
    start_s: Mapped[float]
    end_s: Mapped[float]
    text: Mapped[str]
    confidence: Mapped[float | None]
