"""What is printed for a switchboard that is there already. That it loads and works: tests/pbx."""

import pytest

from asterisk.site import TEMPLATES
from asterisk.snippets import KINDS, Kind, snippets


@pytest.mark.parametrize("kind", KINDS)
def test_the_pieces_hold_the_account_its_address_and_no_secret(kind: Kind) -> None:
    text = snippets(kind, username="crm", address="10.1.2.3")
    assert "[crm]\n" in text and "permit = 10.1.2.3/255.255.255.255" in text
    assert "secret = CHANGE-ME" in text and "{{" not in text and "{%" not in text
    for context in ("callcenter-in", "callcenter-record", "callcenter-dial"):
        assert text.count(f"\n[{context}]\n") == 1
    assert text.count("\n[callcenter-vote]\n") == (kind == "asterisk")


def test_a_freepbx_piece_touches_no_file_that_freepbx_writes() -> None:
    text = snippets("freepbx17")
    assert "/etc/asterisk/manager_custom.conf" in text and "/etc/asterisk/extensions_custom.conf" in text
    assert "/etc/asterisk/manager.conf" not in text and "/etc/asterisk/extensions.conf" not in text


def test_the_hook_ends_as_each_freepbx_wants_it() -> None:
    assert "MacroExit()" in snippets("freepbx16") and "MacroExit()" not in snippets("freepbx17")


@pytest.mark.parametrize("bad", ["a]\nsecret = x", "", "10.0.0.1;", "${SHELL(id)}"])
def test_what_would_be_syntax_is_refused(bad: str) -> None:
    with pytest.raises(ValueError, match="character"):
        snippets("asterisk", username=bad)


def test_no_line_of_a_piece_is_wider_than_a_terminal() -> None:
    for file in (TEMPLATES / "snippets").iterdir():
        assert all(len(line) <= 120 for line in file.read_text().splitlines()), file.name
