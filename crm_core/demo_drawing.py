"""The goods of the demo as simple drawings; run in a process of its own by `demo_pictures`.

Out: in a folder, a folder for each SKU with a WebP a box; what is known of each as JSON
"""

import hashlib
import json
import sys
from dataclasses import asdict
from pathlib import Path

from PIL import Image, ImageDraw

from crm_core.bounded import bound
from crm_core.demo_goods import GOODS
from crm_core.drawn import BOXES, Drawn

CANVAS = 480
MEMORY = 2**30
COLOURS = {
    "red": "#c8453b", "black": "#3a3d44", "white": "#f4f2ec", "silver": "#b9c0c9", "blue": "#3f72b8",
    "green": "#4f9360", "yellow": "#e2b53b", "wooden": "#b98a57", "grey": "#8d939c", "pink": "#dd93ab",
    "purple": "#8064a8", "gold": "#cda349", "metal": "#a5adb7", "leather": "#4a3a31", "cotton": "#8a6a4c",
    "small": "#5f8fa8", "large": "#47768f",
}  # fmt: skip
# What each thing is made of, from the back to the front: form, colour, where on a field of 100 × 100.
# Forms: box, round, poly, ring, line; colours: main, dark (a shade of it), light (a tint), ink.
SHAPES = {
    "kettle": (
        "ring ink 60 32 90 66, poly dark 30 44 12 34 18 30 34 40, poly main 34 28 66 28 74 80 26 80, box "
        "ink 40 20 60 28, box dark 26 76 74 84"
    ),
    "mug": "ring dark 56 38 84 66, box main 24 28 68 80, round dark 24 22 68 34",
    "lamp": "line ink 50 50 50 82, poly main 36 20 64 20 78 52 22 52, round dark 32 78 68 88",
    "chair": "line ink 32 56 28 88, line ink 68 56 72 88, box main 32 14 68 48, box dark 28 52 72 62",
    "heater": (
        "box main 18 26 82 76, line dark 32 34 32 68, line dark 44 34 44 68, line dark 56 34 56 68, line "
        "dark 68 34 68 68, box ink 26 76 34 84, box ink 66 76 74 84"
    ),
    "jacket": (
        "poly dark 30 22 12 66 24 72 34 44, poly dark 70 22 88 66 76 72 66 44, poly main 30 20 70 20 72 "
        "84 28 84, line ink 50 22 50 84"
    ),
    "laptop": "box main 20 22 80 64, box ink 24 26 76 60, poly dark 20 66 80 66 92 80 8 80",
    "blanket": "box dark 18 60 82 76, box main 18 44 82 60, box dark 18 30 82 44, box light 18 50 82 54",
    "blender": (
        "poly light 32 14 68 14 62 56 38 56, box ink 34 8 66 14, poly main 36 58 64 58 72 88 28 88, round "
        "dark 45 68 55 78"
    ),
    "toaster": (
        "box light 34 20 46 46, box light 54 20 66 46, box main 18 36 82 78, box ink 84 46 90 56, box "
        "dark 18 70 82 78"
    ),
    "towels": "box dark 20 62 80 78, box main 20 44 80 62, box light 20 26 80 44, round dark 72 28 84 42",
    "pillow": "poly main 18 30 50 34 82 30 78 52 82 74 50 70 18 74 22 52, line dark 30 40 70 40",
    "plates": "round dark 18 30 82 88, round main 18 24 82 82, ring dark 32 38 68 68",
    "glasses": (
        "poly light 20 26 46 26 42 78 24 78, poly main 22 46 44 46 42 78 24 78, poly light 54 26 80 26 76 "
        "78 58 78, poly main 56 46 78 46 76 78 58 78"
    ),
    "gloves": (
        "box main 34 40 66 76, box main 34 18 41 48, box main 43 14 50 48, box main 52 16 59 48, box main "
        "61 22 67 48, poly main 34 60 20 44 26 38 36 50, box dark 34 76 66 88"
    ),
    "headphones": "ring ink 20 16 80 84, cover light 14 60 86 92, box main 14 46 30 76, box main 70 46 86 76",
    "helmet": "round main 16 18 84 86, cover light 8 62 92 92, box dark 10 58 90 66, line dark 50 20 50 58",
    "keyboard": "box main 8 36 92 68, line dark 16 44 84 44, line dark 16 52 84 52, line dark 30 60 70 60",
    "mouse": "round main 30 16 70 86, line dark 50 18 50 44, box dark 47 28 53 40",
    "mirror": "round main 22 8 78 92, round light 29 15 71 85, line main 40 62 58 34",
    "monitor": "box main 10 20 90 70, box ink 14 24 86 66, box dark 44 70 56 82, box dark 30 82 70 87",
    "socks": (
        "poly main 30 14 52 14 52 54 78 70 72 86 58 86 30 66, box dark 30 14 52 24, poly dark 66 62 80 71 "
        "74 86 62 86"
    ),
    "shirt": (
        "poly main 32 18 42 24 58 24 68 18 90 38 78 50 70 44 70 84 30 84 30 44 22 50 10 38, line dark 50 "
        "26 50 84"
    ),
    "desk": (
        "box main 8 34 92 44, box dark 14 44 20 84, box dark 80 44 86 84, box main 56 44 80 62, line ink "
        "64 53 72 53"
    ),
    "coffee machine": (
        "box main 22 12 78 36, box dark 22 36 44 78, box main 18 78 82 88, box light 52 58 72 76, line "
        "ink 62 38 62 50"
    ),
    "washing machine": (
        "box main 18 12 82 88, box dark 18 12 82 26, round ink 30 34 70 76, round light 36 40 64 70"
    ),
    "electric bicycle": (
        "ring ink 6 46 42 82, ring ink 58 46 94 82, line main 24 64 40 36, line main 40 36 68 36, line "
        "main 40 36 52 64, line main 52 64 68 36, line main 24 64 52 64, line main 64 26 76 64, box dark "
        "32 28 48 33"
    ),
    "knives": (
        "poly light 28 12 36 12 36 58 24 58, box main 26 58 36 88, poly light 56 22 64 22 64 58 54 58, "
        "box main 55 58 65 88"
    ),
}


def colour_of(variant: str) -> str:
    """The colour a variant is named after."""
    words = variant.split()
    return next((COLOURS[word] for word in words if word in COLOURS), COLOURS["grey"])


def mixed(colour: str, other: str, share: float) -> str:
    """`colour` with so much of `other` in it."""
    one, two = ([int(it[place : place + 2], 16) for place in (1, 3, 5)] for it in (colour, other))
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in zip(one, two, strict=True))


def picture(kind: str, variant: str) -> Image.Image:
    """One thing on a quiet ground."""
    main = colour_of(variant)
    ground = mixed(main, "#f2f3f5", 0.86) if main != COLOURS["white"] else "#d9dfe6"
    inks = {"main": main, "dark": mixed(main, "#14161a", 0.28), "light": mixed(main, "#ffffff", 0.5)}
    inks |= {"ink": "#2b2f36"}
    made = Image.new("RGB", (CANVAS, CANVAS), ground)
    pen, scale = ImageDraw.Draw(made), CANVAS / 100
    for shape in SHAPES[kind].split(","):
        form, ink, *where = shape.split()
        at = [int(number) * scale for number in where]
        match form:
            case "box":
                pen.rounded_rectangle(at, radius=1.6 * scale, fill=inks[ink])
            case "cover":
                pen.rectangle(at, fill=ground)
            case "round":
                pen.ellipse(at, fill=inks[ink])
            case "ring":
                pen.ellipse(at, outline=inks[ink], width=round(4 * scale))
            case "line":
                pen.line(at, fill=inks[ink], width=round(3 * scale))
            case "poly":
                pen.polygon(at, fill=inks[ink])
    return made


def draw(kind: str, variant: str, target: Path) -> Drawn:
    """One thing, in every box, in the folder `target`."""
    target.mkdir()
    whole = picture(kind, variant)
    for box in BOXES:
        small = whole.copy()
        small.thumbnail((box, box), Image.Resampling.LANCZOS)
        small.save(target / f"{box}.webp", "WEBP", quality=82, method=2)
    size = sum((target / f"{box}.webp").stat().st_size for box in BOXES)
    return Drawn(hashlib.sha256(whole.tobytes()).hexdigest(), CANVAS, CANVAS, size)


def main() -> None:
    """Draw everything the demo sells."""
    bound(MEMORY)
    room, made = Path(sys.argv[1]), {}
    for kind, code, _, variants in GOODS:
        for place, variant in enumerate(variants, 1):
            sku = f"{code}-{place:02}"
            made[sku] = asdict(draw(kind, variant, room / sku))
    sys.stdout.write(json.dumps(made))


if __name__ == "__main__":
    main()
