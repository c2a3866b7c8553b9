"""The front door as an administrator uses it, before the service has ever run."""

from pathlib import Path

from tests.service.conftest import PASSWORD, Service

POLAND = ("--currency", "EUR", "--country", "PL", "--timezone", "Europe/Warsaw", "--prefix", "A")


def test_a_shop_its_line_and_its_people_are_made_by_commands(tmp_path: Path) -> None:
    site = Service(tmp_path, 1)
    assert "takes orders now" in site.command("shop", "add", "Blue Kettle", *POLAND).stdout
    assert "calls A" in site.command("shop", "line", "A", "+48223071120", "--name", "Poland shop").stdout
    again = site.command("shop", "add", "Another", *POLAND)
    assert (again.returncode, "begin with 'A' already" in again.stderr) == (1, True)
    unknown = site.command("shop", "line", "B", "123")
    assert (unknown.returncode, "callcenter shop add" in unknown.stderr) == (1, True)
    short = site.command("user", "add", "anna", "--role", "admin", given="short\nshort\n")
    assert (short.returncode, "at least" in short.stderr) == (1, True)
    site.command("user", "add", "anna", "--role", "admin", given=f"{PASSWORD}\n{PASSWORD}\n")
    assert "admin" in site.command("user", "list").stdout
    nobody = site.command("user", "passwd", "nobody", given=f"{PASSWORD}\n{PASSWORD}\n")
    assert (nobody.returncode, "There is no user nobody" in nobody.stderr) == (1, True)


def test_a_misspelt_setting_is_named_and_nothing_starts(tmp_path: Path) -> None:
    site = Service(tmp_path, 1)
    site.env["CALLCENTER_HTTP_PROT"] = "8080"
    said = site.command("run")
    assert said.returncode == 1 and "HTTP_PORT" in said.stderr and "Traceback" not in said.stderr


def test_the_words_of_a_recording_are_printed(tmp_path: Path) -> None:
    samples = Path(__file__).parent.parent / "recordings" / "samples"
    said = Service(tmp_path, 1).command("transcribe", str(samples / "order.wav"))
    assert said.returncode == 0, said.stderr
    assert "station road" in said.stdout
