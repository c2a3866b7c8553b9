"""What every page and script must keep to, told from their text: the strict policy, and imports that lead somewhere."""

import re
from pathlib import Path

import pytest

from web import menu

WEB = Path(__file__).parents[2] / "web"
STATIC = WEB / "static"
OURS = sorted(file for file in STATIC.rglob("*.js") if "vendor" not in file.parts)
PAGES = sorted((WEB / "templates").glob("*.html"))
IMPORT = re.compile(r"""(?:\bfrom|\bimport)\s*\(?\s*["']([^"']+)["']""")
WORD = re.compile(r"""\bicon\w*\(?\s*['"(]+(\w+)|name="(\w+)" small|icons\.svg#(\w+)""")


def named(file: Path) -> str:
    return str(file.relative_to(WEB))


@pytest.mark.parametrize("script", OURS, ids=named)
def test_a_script_imports_only_files_that_are_there(script: Path) -> None:
    # `t("… from “{name}”")` is no import: what follows the word must look like a path.
    paths = [path for path in IMPORT.findall(script.read_text()) if path.startswith((".", "/"))]
    assert [path for path in paths if not (script.parent / path).is_file()] == []


@pytest.mark.parametrize("script", sorted((STATIC / "vendor").glob("*.js")), ids=named)
def test_a_library_imports_only_its_neighbours(script: Path) -> None:
    for path in re.findall(r"""\b(?:from|import)\s*["']([@\w./-]+)["']""", script.read_text()):
        assert path.startswith("./"), f"{script.name} imports {path!r}, which needs an import map"
        assert (script.parent / path).is_file()


@pytest.mark.parametrize("script", OURS, ids=named)
def test_a_script_never_makes_markup_out_of_text(script: Path) -> None:
    lines = [
        line for line in script.read_text().splitlines() if not line.lstrip().startswith(("//", "*", "/*"))
    ]
    text = "\n".join(lines)
    for trap in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
        assert trap not in text


@pytest.mark.parametrize("script", [file for file in OURS if file.name != "say.js"], ids=named)
def test_what_a_script_says_is_a_text_that_a_catalogue_can_hold(script: Path) -> None:
    assert re.findall(r"""(?<![\w.])tn?\((?!\s*["'])[^)]*\)""", script.read_text()) == []


def test_whatever_a_page_calls_a_piece_some_stylesheet_knows() -> None:
    styled = set(re.findall(r"\.(-?[a-z][\w-]*)", "".join(file.read_text() for file in STATIC.glob("*.css"))))
    for page in PAGES:
        said = " ".join(re.findall(r'class="([^"]*)"', page.read_text()))
        plain = re.sub(r"\{[{%].*?[%}]\}", "", said)  # what is told by the row itself is the end of a name
        unknown = {name for name in re.findall(r"[a-z][\w-]*", plain) if not name.endswith("-")} - styled
        assert not unknown, f"{page.name} has pieces that no stylesheet knows"


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_a_page_holds_no_script_no_style_and_no_handler_of_its_own(page: Path) -> None:
    text = re.sub(r"\{#.*?#\}", "", page.read_text(), flags=re.S)
    assert re.findall(r"<[^>]*\son[a-z]+\s*=", text) == []
    assert re.findall(r"<[^>]*\sstyle\s*=", text) == []
    assert "<style" not in text
    for attributes, body in re.findall(r"<script([^>]*)>(.*?)</script>", text, flags=re.S):
        assert "src=" in attributes or 'type="application/json"' in attributes
        assert "src=" not in attributes or not body.strip()


def test_every_icon_that_is_drawn_is_in_the_sprite() -> None:
    sprite = set(re.findall(r'<symbol id="(\w+)"', (STATIC / "icons.svg").read_text()))
    for file in OURS + PAGES:
        used = {name for found in WORD.findall(file.read_text()) for name in found if name}
        assert used <= sprite | {"name", "small", "extra"}, f"{named(file)} draws {used - sprite}"
    places = [
        *menu.EVERY_DAY,
        menu.STATUS,
        menu.SETTINGS_PLACE,
        *(it for group in menu.SETTINGS for it in group.places),
    ]
    assert {place.name for place in places} <= sprite
