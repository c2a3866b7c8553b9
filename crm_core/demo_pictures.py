"""Drawings of the demo's goods, made once while the demo is running already."""

import json
import shutil
from pathlib import Path
from secrets import token_hex

import structlog
from sqlalchemy import select

from crm_core.bounded import run_bounded
from crm_core.db import Database
from crm_core.drawn import Drawn
from crm_core.picture import Picture, put_bytes
from crm_core.product import Product

log = structlog.get_logger(__name__)
LONGEST_S = 120.0
QUOTA = 2**30


async def give_pictures(db: Database, folder: Path) -> None:
    """Let every product of the demo have its drawing, unless there are pictures already."""
    async with db.begin() as session:
        if await session.scalar(select(Picture.id).limit(1)) is not None:
            return
    room = folder / f"new-{token_hex(16)}"
    room.mkdir(mode=0o700, parents=True)
    try:
        well, said = await run_bounded("crm_core.demo_drawing", str(room), longest_s=LONGEST_S)
        if not well:
            log.warning("the goods of the demo have no drawings")
            return
        drawings = {sku: Drawn(**it) for sku, it in json.loads(said).items()}
        async with db.begin() as session:
            for sku, it in drawings.items():
                await put_bytes(session, folder, it, room / sku, quota=QUOTA)
            goods = await session.execute(select(Product.id, Product.sku).where(Product.sku.in_(drawings)))
            session.add_all(Picture(product_id=id_, position=0, **vars(drawings[sku])) for id_, sku in goods)
    finally:
        shutil.rmtree(room, ignore_errors=True)
