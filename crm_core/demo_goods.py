"""What the demo shops sell: things whose names the small speech model of the demo can hear."""

from dataclasses import dataclass
from decimal import Decimal
from random import Random

# name, SKU, price in euro, variants
GOODS: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    ("kettle", "KT", "39.50", ("red", "black", "white", "silver")),
    ("mug", "MG", "8.90", ("blue", "red", "green", "white")),
    ("lamp", "LP", "54.00", ("yellow", "black", "white")),
    ("chair", "CH", "89.00", ("wooden", "black", "grey")),
    ("heater", "HT", "75.00", ("small", "large")),
    ("jacket", "JK", "119.00", ("black small", "black medium", "black large", "blue large")),
    ("laptop", "LT", "849.00", ("silver", "black")),
    ("blanket", "BL", "29.90", ("grey", "pink", "green")),
    ("blender", "BD", "64.90", ("white", "red")),
    ("toaster", "TS", "42.00", ("silver", "black")),
    ("towels", "TW", "19.90", ("white", "blue")),
    ("pillow", "PL", "16.50", ("small", "large")),
    ("plates", "PT", "34.00", ("white", "blue")),
    ("glasses", "GL", "24.90", ("small", "large")),
    ("gloves", "GV", "22.00", ("leather black", "cotton brown")),
    ("headphones", "HP", "59.00", ("black", "white")),
    ("helmet", "HM", "48.00", ("yellow", "black")),
    ("keyboard", "KB", "69.00", ("black", "white")),
    ("mouse", "MS", "24.00", ("black", "pink")),
    ("mirror", "MR", "79.00", ("gold", "silver")),
    ("monitor", "MN", "219.00", ("small", "large")),
    ("socks", "SK", "6.90", ("grey", "black", "purple")),
    ("shirt", "SH", "32.00", ("white medium", "blue large")),
    ("desk", "DK", "189.00", ("wooden", "white")),
    ("coffee machine", "CM", "249.00", ("black",)),
    ("washing machine", "WM", "429.00", ("white",)),
    ("electric bicycle", "EB", "1290.00", ("green",)),
    ("knives", "KN", "58.00", ("metal",)),
)
PER_EURO = {"EUR": Decimal(1), "PLN": Decimal("4.30"), "GBP": Decimal("0.86")}


@dataclass(frozen=True)
class Ware:
    """One variant as one shop sells it."""

    sku: str
    kind: str
    name: str
    barcode: str
    price: Decimal
    stock: int

    @property
    def cost(self) -> Decimal:
        """What the shop pays for it: half to three quarters of the price, each ware always the same."""
        share = Decimal(50 + int(self.barcode) % 26) / 100
        return (self.price * share).quantize(Decimal("0.01"))


def wares(random: Random, currency: str) -> list[Ware]:
    """The whole assortment in the prices of one currency; some things are sold out or nearly so."""
    made: list[Ware] = []
    for name, code, price, variants in GOODS:
        for place, variant in enumerate(variants, 1):
            made.append(
                Ware(
                    sku=f"{code}-{place:02}",
                    kind=name.capitalize(),
                    name=f"{variant.capitalize()} {name}",
                    barcode=_ean(f"59012{len(made):07}"),
                    price=_shop_price(Decimal(price) * PER_EURO[currency]),
                    stock=random.choice((0, 1, 2, 5, 8, 12, 14, 20, 33, 40)),
                )
            )
    return made


def _shop_price(price: Decimal) -> Decimal:
    """Prices end in 0.90, as they do in shops."""
    return max(Decimal("0.90"), price.to_integral_value() - Decimal("0.10"))


def _ean(twelve: str) -> str:
    """An EAN-13 barcode: the last digit makes the weighted sum a multiple of ten."""
    weighted = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(twelve))
    return twelve + str(-weighted % 10)
