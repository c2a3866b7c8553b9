"""Tags of calls by what was said: read by whoever hears recordings, kept by administrators; and how a call went."""

from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field, StringConstraints

from crm_core import phrase_tag
from crm_core.phrase_tag import tags_of
from crm_core.recording import PhraseSide
from crm_core.talk import Voice
from web.api import Operations
from web.call_sound import heard
from web.fields import VISIBLE, Answer, Given, Id, Version
from web.listing import possible
from web.noted import note
from web.rights import EDIT_TAGS, HEAR_RECORDINGS
from web.services import services
from web.sessions import person

operations = Operations("recordings")
TagName = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=VISIBLE)]
Words = Annotated[
    str,
    StringConstraints(min_length=1, max_length=2000, pattern=VISIBLE),
    Field(
        description='any of these makes the tag: beginnings of words, or "words in a row", with commas between'
    ),
]


class NewTag(Given):
    """Another tag. `side`: who must say it (null: anybody); `care`: it stands out."""

    name: TagName
    words: Words
    side: PhraseSide | None = None
    care: bool = False


class TagChange(Given):
    """What shall be different; what is absent stays."""

    version: Version
    name: TagName | None = None
    words: Words | None = None
    side: PhraseSide | None = None
    care: bool | None = None


class TagAnswer(Answer):
    """A tag with the words that make it."""

    id: int
    name: str
    words: str
    side: PhraseSide | None
    care: bool
    version: int


class TaggedAnswer(Answer):
    """A tag that a call has: how often, and the second at which it was said first."""

    id: int
    name: str
    care: bool
    times: int
    first_s: float


class VoiceAnswer(Answer):
    """What one side came to; seconds. `broke_in`: how often on the other; `longest_s`: that he went on."""

    spoke_s: float
    broke_in: int
    longest_s: float
    longest_at_s: float


class TalkAnswer(Answer):
    """How a call was talked; seconds. null unless both sides are heard apart. `share`: the operator's, 0 to 1."""

    operator: VoiceAnswer | None = None
    customer: VoiceAnswer | None = None
    share: float | None = None
    together_s: float | None = None
    silence_s: float | None = None
    length_s: float | None = None
    tags: list[TaggedAnswer]


@operations.get("/calls/{call_id}/talk", right=HEAR_RECORDINGS)
async def get_how_talked(request: web.Request, call_id: UUID) -> TalkAnswer:
    """Who talked how much, the silence, who broke in, and the tags of a call. 403 for a call one did not talk in."""
    async with services(request).db.begin() as session:
        sound = await heard(session, person(request), call_id)
        tags = tags_of(sound.text.phrases, await phrase_tag.list_tags(session))
    answer = TalkAnswer(tags=[TaggedAnswer.model_validate(one) for one in tags])
    if (it := sound.talk) is None:
        return answer
    measures = {
        "operator": _voice(it.operator),
        "customer": _voice(it.customer),
        "share": it.share,
        "together_s": it.together / 1000,
        "silence_s": it.silence / 1000,
        "length_s": it.length / 1000,
    }
    return answer.model_copy(update=measures)


def _voice(voice: Voice) -> VoiceAnswer:
    return VoiceAnswer(
        spoke_s=voice.spoke / 1000,
        broke_in=voice.broke_in,
        longest_s=voice.longest / 1000,
        longest_at_s=voice.longest_at / 1000,
    )


@operations.get("/phrase-tags", right=HEAR_RECORDINGS)
async def get_phrase_tags(request: web.Request) -> list[TagAnswer]:
    """Every tag by its name."""
    async with services(request).db.begin() as session:
        return [TagAnswer.model_validate(it) for it in await phrase_tag.list_tags(session)]


@operations.post("/phrase-tags", right=EDIT_TAGS, errors=(409,))
async def post_phrase_tag(request: web.Request, body: NewTag) -> TagAnswer:
    """Add a tag; old calls have it at once. 409 for a name in use, and without a word to look for."""
    async with services(request).db.begin() as session:
        with possible():
            made = await phrase_tag.create_tag(session, **body.model_dump())
        await note(session, request, "tag.add", made.id, name=made.name, words=made.words)
        return TagAnswer.model_validate(made)


@operations.patch("/phrase-tags/{tag_id}", right=EDIT_TAGS, errors=(409,))
async def patch_phrase_tag(request: web.Request, tag_id: Id, body: TagChange) -> TagAnswer:
    """Change a tag, for old calls too. 409 when it was changed meanwhile, or can not be so."""
    sent = body.model_dump(exclude_unset=True)
    changes = {name: value for name, value in sent.items() if value is not None or name == "side"}
    async with services(request).db.begin() as session:
        with possible():
            made = await phrase_tag.update_tag(session, tag_id, **changes)
        await note(session, request, "tag.change", tag_id, name=made.name, words=made.words)
        return TagAnswer.model_validate(made)


@operations.delete("/phrase-tags/{tag_id}", right=EDIT_TAGS)
async def delete_phrase_tag(request: web.Request, tag_id: Id) -> None:
    """Take a tag away, from every call."""
    async with services(request).db.begin() as session:
        gone = await phrase_tag.remove_tag(session, tag_id)
        await note(session, request, "tag.remove", tag_id, name=gone.name, words=gone.words)
