"""A file that somebody sends: written to a folder as it comes, never as a whole in memory."""

from collections.abc import AsyncIterator
from pathlib import Path
from secrets import token_hex

from aiohttp import BodyPartReader, web

from crm_core.errors import Invalid
from web.errors import Refusal

PIECE = 256 * 1024
LONGEST_FIELD = 500


async def receive_body(request: web.Request, folder: Path, largest: int) -> Path:
    """The body as a file of at most `largest` bytes. Raises `Refusal` 400 for none, 413 for too much."""
    return await _kept(folder, largest, request.content.iter_chunked(PIECE))


async def receive_form(request: web.Request, folder: Path, largest: int) -> tuple[dict[str, str], Path, str]:
    """The text fields of a form that stand before its file, the file, and what it was called.

    Raises `Refusal`, and `Invalid` when there is no file.
    """
    if request.content_type != "multipart/form-data":
        raise Refusal(415, "Send the form with its file.")
    fields: dict[str, str] = {}
    reader = await request.clone(client_max_size=largest + PIECE).multipart()
    while (part := await reader.next()) is not None:
        if not isinstance(part, BodyPartReader):
            raise Refusal(400, "What you sent is no form.")
        if part.filename:
            return (
                fields,
                await _kept(folder, largest, _pieces(part)),
                Path(part.filename.replace("\\", "/")).name,
            )
        if part.name and part.filename is None:
            fields[part.name] = (await part.read_chunk(LONGEST_FIELD)).decode(errors="replace").strip()
            if not part.at_eof() and await part.read_chunk(1):
                raise Refusal(413, "What you sent is too large.")
    raise Invalid("Choose a file.", "file")


async def _pieces(part: BodyPartReader) -> AsyncIterator[bytes]:
    while piece := await part.read_chunk(PIECE):
        yield piece


async def _kept(folder: Path, largest: int, pieces: AsyncIterator[bytes]) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path, size = folder / token_hex(16), 0
    try:
        with path.open("xb") as out:
            async for piece in pieces:
                size += len(piece)
                if size > largest:
                    raise Refusal(413, f"The file is larger than {largest // 2**20} MB.")
                out.write(piece)
        if not size:
            raise Refusal(400, "Send the file: there is nothing in it.")
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path
