"""The people of the demo: names of seven countries, each with numbers written the way people there write them.

Everything is drawn from the generator that is given, so the same seed makes the same people.
"""

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Country:
    """Where demo customers live. `prefixes` are mobile prefixes; a # in `writing` is a digit of the rest."""

    code: str
    calling: str
    timezone: str
    weight: int
    prefixes: tuple[str, ...]
    digits: int
    writings: tuple[str, ...]
    cities: tuple[str, ...]
    streets: tuple[str, ...]
    women: tuple[str, ...]
    men: tuple[str, ...]
    surnames: tuple[tuple[str, str], ...]


def _same(*names: str) -> tuple[tuple[str, str], ...]:
    """Surnames that are alike for women and men."""
    return tuple((name, name) for name in names)


# Writings: + international, 0 national with its trunk prefix, bare national; spaces and dashes as people put them.
COUNTRIES = (
    Country(
        "PL", "48", "Europe/Warsaw", 45,
        ("501", "503", "601", "602", "604", "606", "660", "692", "698", "790"), 6,
        ("{p} {a:3} {b}", "+48 {p} {a:3} {b}", "{p}-{a:3}-{b}", "0048{p}{a}{b}", "{p}{a}{b}"),
        ("Kraków", "Warszawa", "Łódź", "Wrocław", "Gdańsk", "Poznań", "Białystok"),
        ("ul. Długa", "ul. Żwirki i Wigury", "al. Jana Pawła II", "ul. Świętokrzyska", "ul. Polna"),
        ("Marta", "Zofia", "Agnieszka", "Małgorzata", "Ewa", "Łucja", "Hanna", "Joanna"),
        ("Piotr", "Paweł", "Stanisław", "Jakub", "Łukasz", "Michał", "Grzegorz", "Wojciech"),
        (("Zielińska", "Zieliński"), ("Wiśniewska", "Wiśniewski"), ("Dąbrowska", "Dąbrowski"),
         ("Kamińska", "Kamiński"), ("Wójcik", "Wójcik"), ("Żak", "Żak"), ("Pawłowska", "Pawłowski"),
         ("Jabłońska", "Jabłoński"), ("Nowakowska", "Nowakowski"), ("Święcicka", "Święcicki"),
         ("Grabowska", "Grabowski"), ("Mazur", "Mazur")),
    ),
    Country(
        "DE", "49", "Europe/Berlin", 20, ("151", "160", "170", "171", "175"), 8,
        ("0{p} {a:4} {b}", "+49 {p} {a:4} {b}", "0{p}/{a}{b}", "+49{p}{a}{b}"),
        ("Berlin", "München", "Köln", "Düsseldorf", "Görlitz"),
        ("Schloßstraße", "Lindenallee", "Große Bergstraße", "Am Brühl"),
        ("Käthe", "Jana", "Ursula", "Greta", "Sabine", "Lea"),
        ("Jürgen", "Jonas", "Björn", "Stefan", "Matthias", "Uwe"),
        _same("Groß", "Müller", "Weber", "Schäfer", "Köhler", "Weiß", "Bäcker", "Hoffmann"),
    ),
    Country(
        "UA", "380", "Europe/Kyiv", 12, ("50", "63", "66", "67", "68", "73", "93", "95", "97"), 7,
        ("0{p} {a:3} {b}", "+380 {p} {a:3} {b}", "(0{p}) {a:3}-{b}", "00380{p}{a}{b}"),
        ("Київ", "Львів", "Одеса", "Харків", "Дніпро"),
        ("вул. Шевченка", "вул. Хрещатик", "просп. Свободи"),
        ("Олена", "Ірина", "Наталія", "Софія", "Їванна", "Ганна"),
        ("Олександр", "Андрій", "Сергій", "Юрій", "Євген", "Тарас"),
        (("Коваль", "Коваль"), ("Шевченко", "Шевченко"), ("Бондаренко", "Бондаренко"),
         ("Лисенко", "Лисенко"), ("Зеленська", "Зеленський"), ("Гнатюк", "Гнатюк")),
    ),
    Country(
        "GB", "44", "Europe/London", 9, ("7400", "7401", "7402", "7403"), 6,
        ("0{p} {a:3} {b}", "+44 {p} {a:3}{b}", "0044{p}{a}{b}"),
        ("London", "Leeds", "Bristol", "Glasgow"), ("High Street", "Church Lane", "Station Road"),
        ("Emma", "Sarah", "Lucy", "Alice", "Helen"), ("James", "Robert", "Peter", "Daniel", "George"),
        _same("Smith", "Taylor", "Clark", "O'Neil", "Walker", "Miller", "Davis"),
    ),
    Country(
        "CZ", "420", "Europe/Prague", 6, ("602", "604", "608", "723", "775"), 6,
        ("{p} {a:3} {b}", "+420 {p} {a:3} {b}"),
        ("Praha", "Brno", "Plzeň", "Ostrava"), ("Dlouhá", "Náměstí Míru", "Na Příkopě"),
        ("Žofie", "Tereza", "Lenka", "Kateřina"), ("Jiří", "Tomáš", "Ondřej", "Václav"),
        (("Nováková", "Novák"), ("Dvořáková", "Dvořák"), ("Černá", "Černý"), ("Růžičková", "Růžička")),
    ),
    Country(
        "LT", "370", "Europe/Vilnius", 5, ("61", "62", "65", "68"), 6,
        ("8 {p} {a:3} {b}", "+370 {p} {a:3} {b}", "+370{p}{a}{b}"),
        ("Vilnius", "Kaunas", "Klaipėda", "Šiauliai"), ("Gedimino pr.", "Pilies g.", "Laisvės al."),
        ("Rūta", "Eglė", "Jūratė"), ("Jonas", "Žygimantas", "Darius"),
        (("Kazlauskienė", "Kazlauskas"), ("Petrauskaitė", "Petrauskas"), ("Žukauskienė", "Žukauskas")),
    ),
    Country(
        "US", "1", "America/New_York", 3, ("212555", "415555", "312555"), 4,
        ("({p:3}) 555-{a}{b}", "+1 {p:3} 555 {a}{b}"),
        ("New York", "Chicago", "Boston"), ("Main Street", "Park Avenue"),
        ("Linda", "Kate"), ("John", "Michael"), _same("Johnson", "Wilson", "Jones"),
    ),
)  # fmt: skip


@dataclass(frozen=True)
class Person:
    """Somebody who buys. `written` is the number as they gave it, `e164` the same for us."""

    name: str
    country: Country
    city: str
    address: str
    email: str | None
    e164: str
    written: str


def people(random: Random, count: int) -> list[Person]:
    """`count` different people; no two have the same number."""
    weights = [country.weight for country in COUNTRIES]
    taken: set[str] = set()
    made: list[Person] = []
    while len(made) < count:
        person = _person(random, random.choices(COUNTRIES, weights)[0])
        if person.e164 not in taken:
            taken.add(person.e164)
            made.append(person)
    return made


def _person(random: Random, country: Country) -> Person:
    woman = random.random() < 0.55
    surname = random.choice(country.surnames)[0 if woman else 1]
    name = f"{random.choice(country.women if woman else country.men)} {surname}"
    prefix, rest = random.choice(country.prefixes), _digits(random, country)
    half = len(rest) - 3 if len(rest) > 4 else 2
    return Person(
        name=name,
        country=country,
        city=random.choice(country.cities),
        address=f"{random.choice(country.streets)} {random.randint(1, 120)}/{random.randint(1, 40)}",
        email=f"customer{random.randint(1000, 99999)}@example.com" if random.random() < 0.7 else None,
        e164=f"+{country.calling}{prefix}{rest}",
        written=random.choice(country.writings)
        .replace("{p:3}", prefix[:3])
        .replace("{p}", prefix)
        .replace("{a:3}", rest[:half])
        .replace("{a:4}", rest[:half])
        .replace("{a}", rest[:half])
        .replace("{b}", rest[half:]),
    )


def _digits(random: Random, country: Country) -> str:
    if country.code == "US":  # 555-0100 to 555-0199 belong to nobody
        return f"01{random.randint(0, 99):02}"
    return "".join(random.choices("0123456789", k=country.digits))
