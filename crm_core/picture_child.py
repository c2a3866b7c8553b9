"""A picture read and drawn anew in a process of its own: nothing of what came is kept but what can be seen.

In:      a file that somebody uploaded, or that lay at an address
Out:     in a folder, one WebP a box (`<box>.webp`): upright, without EXIF, XMP or profile; what is known of it as JSON
Raises:  `Invalid` with a sentence for whoever sent the file
"""

import hashlib
import json
import sys
import zipfile
from dataclasses import asdict
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from crm_core.bounded import bound
from crm_core.drawn import BOXES, LARGEST, Drawn
from crm_core.errors import Invalid

FORMATS = ("JPEG", "PNG", "WEBP")
MOST_PIXELS = 50_000_000
LONGEST_SIDE = 20_000
QUALITY = 82
# What some programs would take the file for as well; no picture needs any of it.
FOREIGN = (b"<script", b"<html", b"<svg", b"<?php", b"<!doctype", b"%pdf-")
NOT_ONE = "This is no JPEG, PNG or WebP picture."


def draw(source: Path, target: Path) -> Drawn:
    """The picture in every box, never larger than it came. Raises `Invalid`."""
    content = source.read_bytes()
    if len(content) > LARGEST:
        raise Invalid(f"The picture is larger than {LARGEST // 2**20} MB.", "file")
    picture = _seen(content)
    _refuse_more(content)
    for box in BOXES:
        small = picture.copy()
        small.thumbnail((box, box), Image.Resampling.LANCZOS)
        small.save(target / f"{box}.webp", "WEBP", quality=QUALITY)
    size = sum((target / f"{box}.webp").stat().st_size for box in BOXES)
    return Drawn(hashlib.sha256(content).hexdigest(), *small.size, size)


def _seen(content: bytes) -> Image.Image:
    """What is to be seen, upright, and nothing else of the file. Raises `Invalid`."""
    Image.MAX_IMAGE_PIXELS = None  # counted here, before anything is unpacked
    try:
        with Image.open(BytesIO(content), formats=FORMATS) as found:
            if found.width * found.height > MOST_PIXELS or max(found.size) > LONGEST_SIDE:
                raise Invalid(
                    f"The picture has {found.width} × {found.height} points; make it smaller"
                    f" ({MOST_PIXELS // 10**6} million at most).",
                    "file",
                )
            found.draft("RGB", (2 * BOXES[-1], 2 * BOXES[-1]))  # of a JPEG no more is unpacked than is needed
            upright = ImageOps.exif_transpose(found)
            mode = "RGBA" if upright.has_transparency_data else "RGB"
            pixels = upright.convert(mode)
    except UnidentifiedImageError:
        raise Invalid(NOT_ONE, "file") from None
    except (OSError, SyntaxError, ValueError, TypeError, ArithmeticError, LookupError):
        raise Invalid("The picture is broken: it can not be read to its end.", "file") from None
    bare = Image.new(mode, pixels.size)
    bare.paste(pixels)
    return bare


def _refuse_more(content: bytes) -> None:
    """Raises `Invalid` for a picture that is something else besides: a page, a script, a paper, an archive."""
    low = content.lower()
    if any(mark in low for mark in FOREIGN) or zipfile.is_zipfile(BytesIO(content)):
        raise Invalid("There is something besides a picture in this file; save it as a picture anew.", "file")


def main() -> None:
    """The child: draw one picture within bounds; what is wrong with it is said on the way out."""
    source, target, memory = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    bound(memory)
    try:
        sys.stdout.write(json.dumps(asdict(draw(source, target))))
    except Invalid as refused:
        sys.stdout.write(str(refused))
        sys.exit(1)
    except MemoryError:
        sys.exit(1)


if __name__ == "__main__":
    main()
