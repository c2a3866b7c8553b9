"""Pictures of goods: drawn anew from what strangers send, and brought from addresses that a supplier names."""

import struct
import zipfile
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from PIL import Image
from sqlalchemy import select

from crm_core.drawn import BOXES
from crm_core.errors import Invalid
from crm_core.picture import Picture, file_of, forget_bytes, sweep
from crm_core.picture_child import draw
from crm_core.picture_fetch import bring_some
from crm_core.product import Product
from tests.crm_core.exchange import bring


def photo(
    kind: str = "JPEG", size: tuple[int, int] = (1600, 800), colour: str = "#c8453b", **more: Any
) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, colour).save(out, kind, **more)
    return out.getvalue()


def drawn_from(content: bytes, folder: Path) -> Any:
    folder.mkdir(exist_ok=True)
    (folder / "came").write_bytes(content)
    return draw(folder / "came", folder)


def bomb() -> bytes:
    """A PNG of a few hundred bytes that says it has 900 million points."""

    def chunk(name: bytes, what: bytes) -> bytes:
        return struct.pack(">I", len(what)) + name + what + struct.pack(">I", zlib.crc32(name + what))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + chunk(b"IEND", b"")


def archive_behind(content: bytes) -> bytes:
    out = BytesIO(content)
    out.seek(0, 2)
    with zipfile.ZipFile(out, "a") as packed:
        packed.writestr("run.sh", "echo")
    return out.getvalue()


def test_a_photo_is_drawn_upright_in_three_sizes_and_says_nothing_of_its_camera(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Spy camera"  # turned by a quarter
    found = drawn_from(photo(exif=exif, comment=b"secret"), tmp_path)
    kept = [(tmp_path / f"{box}.webp").read_bytes() for box in BOXES]
    sizes = [Image.open(BytesIO(it)).size for it in kept]
    assert sizes == [(48, 96), (240, 480), (640, 1280)] and (found.width, found.height) == (640, 1280)
    assert not any(it in b"".join(kept) for it in (b"camera", b"secret", b"EXIF"))
    small = drawn_from(photo("PNG", (30, 20)), tmp_path / "small")
    assert (small.width, small.height) == (30, 20)  # never blown up


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "no JPEG, PNG or WebP"),
        (photo("GIF"), "no JPEG, PNG or WebP"),
        (bomb(), "has 30000 × 30000 points"),
        (photo()[:500], "broken"),
        (photo(comment=b"<script>alert(1)</script>"), "something besides a picture"),
        (photo() + b"<html><body>", "something besides a picture"),
        (archive_behind(photo()), "something besides a picture"),
    ],
    ids=["svg", "gif", "bomb", "cut", "script", "page", "archive"],
)
def test_what_is_no_picture_or_more_than_one_is_refused_with_a_sentence(
    content: bytes, why: str, tmp_path: Path
) -> None:
    with pytest.raises(Invalid, match=why):
        drawn_from(content, tmp_path)


async def test_pictures_named_in_a_file_are_fetched_and_follow_the_file(shop: Any, tmp_path: Path) -> None:
    red, blue = photo(), photo("PNG", (50, 50), "#3f72b8")
    files = {"red.jpg": red, "blue.png": blue, "drawing.svg": b"<svg/>"}

    async def give(request: web.Request) -> web.Response:
        return web.Response(body=files[request.match_info["name"]])

    app = web.Application()
    app.router.add_get("/{name}", give)
    async with TestServer(app) as server:
        base = f"http://localhost:{server.port}"
        inside = f"http://127.0.0.1:{server.port}/red.jpg"
        yml = (
            '<?xml version="1.0"?><yml_catalog><shop><offers><offer id="77"><name>Lamp</name><price>19.90</price>'
            "<weight>1.25</weight><dimensions>30.5/20/10</dimensions>{}</offer></offers></shop></yml_catalog>"
        )
        named = [f"{base}/red.jpg", f"{base}/blue.png", f"{base}/drawing.svg", inside]
        content = yml.format("".join(f"<picture>{it}</picture>" for it in named))
        assert (await bring(shop, tmp_path, "products", content.encode())).counts == (1, 0, 0, 0)
        assert (await bring(shop, tmp_path, "products", content.encode())).counts == (0, 0, 1, 0)
        folder = tmp_path / "pictures"
        room: dict[str, Any] = {"quota": 10**8, "now": lambda: shop.noon, "allowed": ["localhost"]}
        while await bring_some(shop.db, folder, **room):
            pass
        async with shop.begin() as session:
            lamp = (await session.scalars(select(Product).where(Product.sku == "77"))).one()
            found = (await session.scalars(select(Picture).order_by(Picture.position))).all()
        assert (lamp.weight_g, lamp.length_mm, lamp.width_mm, lamp.height_mm) == (1250, 305, 200, 100)
        assert [(it.width, it.problem) for it in found] == [
            (1280, None),
            (50, None),
            (None, "This is no JPEG, PNG or WebP picture."),
            (
                None,
                "127.0.0.1 lies inside the house. An administrator can allow it (CALLCENTER_FETCH_HOSTS).",
            ),
        ]
        assert [it.due_at is not None for it in found] == [False, False, True, True]  # tried again later
        digests = [it.digest for it in found if it.digest]
        assert all(file_of(folder, digest, box).exists() for digest in digests for box in BOXES)

        # The next file names the blue one alone: the others go, with their bytes.
        fewer = yml.format(f"<picture>{base}/blue.png</picture>").encode()
        assert (await bring(shop, tmp_path, "products", fewer)).counts == (0, 1, 0, 0)
        async with shop.begin() as session:
            await sweep(session, folder)
            await forget_bytes(session, folder, [])
            (left,) = (await session.scalars(select(Picture))).all()
        lie = {it.name for it in folder.rglob("*") if it.is_file()}
        assert lie == {f"{left.digest}.{box}.webp" for box in BOXES}
