"""A refused form as it was sent: every form of every page gets back what was typed, and the sentence beside the field.

A page is drawn anew after a refusal, with what the database says in its fields. Here its HTML is read once more: the
form that was sent is found by its address and by what it hides, its fields get what was sent, and those that were
refused the reason. Passwords, files and what a form hides (a version) stay as the page has them.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from html.parser import HTMLParser

Attributes = dict[str, str | None]
_KEPT = frozenset({"hidden", "password", "file", "submit", "button", "reset", "image"})


@dataclass
class Control:
    """An input, select or textarea; `tag` and `inner` are where its first tag and its content stand in the page."""

    kind: str
    attributes: Attributes
    tag: slice
    inner: slice
    end: int
    options: list["Control"] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.attributes.get("name") or ""

    @property
    def type(self) -> str:
        return self.attributes.get("type") or "text" if self.kind == "input" else self.kind


@dataclass
class Form:
    """A form that is posted: where to, what is in it, and the folded parts of the page around it."""

    addresses: set[str]
    controls: list[Control]
    folded: list[Control]


def give_back(page: str, *, address: str, sent: Mapping[str, Sequence[str]], wrong: Mapping[str, str]) -> str:
    """`page` with what was `sent` to `address` in the fields of its form; `wrong`: what is said beside which."""
    reader = _Reader(page, address)
    reader.feed(page)
    reader.close()
    form = max(
        (form for form in reader.forms if address in form.addresses),
        key=lambda form: _likeness(form, sent),
        default=None,
    )
    if form is None:
        return page
    edits = [edit for folded in form.folded for edit in _tag(folded, {**folded.attributes, "open": None})]
    if not _is_renumbered(form, sent):
        edits += _refilled(form, sent, wrong)
    for where, new in sorted(edits, key=lambda edit: edit[0].start, reverse=True):
        page = page[: where.start] + new + page[where.stop :]
    return page


def _likeness(form: Form, sent: Mapping[str, Sequence[str]]) -> tuple[int, int]:
    """How well the form is the one that was sent: by what it hides, then by the names of its fields."""
    hidden = [it for it in form.controls if it.type == "hidden" and it.name != "version"]
    told = sum(1 if it.attributes.get("value") in sent.get(it.name, ()) else -1 for it in hidden)
    return told, len({it.name for it in form.controls} & sent.keys())


def _is_renumbered(form: Form, sent: Mapping[str, Sequence[str]]) -> bool:
    """Whether a numbered row (`code3`) stands for something else than when it was sent: somebody put one in between,
    or the page drew what was typed itself. What was typed would come beside the wrong thing."""
    numbered = [it for it in form.controls if it.type == "hidden" and it.name[-1:].isdigit()]
    return any(it.name in sent and it.attributes.get("value") not in sent[it.name] for it in numbered)


Edit = tuple[slice, str]


def _refilled(form: Form, sent: Mapping[str, Sequence[str]], wrong: Mapping[str, str]) -> Iterator[Edit]:
    seen: dict[str, int] = defaultdict(int)
    said: set[str] = set()
    for it in form.controls:
        values, place = sent.get(it.name, ()), seen[it.name]
        seen[it.name] += 1
        if not it.name or it.type in _KEPT:
            continue
        now = dict(it.attributes)
        if it.name in wrong and it.name not in said:
            said.add(it.name)
            mark = f"wrong-{it.name}"
            now |= {"aria-invalid": "true", "aria-describedby": mark, "autofocus": None}
            yield slice(it.end, it.end), f'<span class="wrong" id="{mark}">{escape(wrong[it.name])}</span>'
        if "data-offered" in now:  # the page puts something else in the place of what was refused
            pass
        elif it.type in ("checkbox", "radio"):
            now = _marked(now, "checked", it.attributes.get("value", "on") in values)
        elif it.kind == "select":
            chosen = values if "multiple" in now else values[place : place + 1]
            if chosen:
                for option in (it for it in it.options if "value" in it.attributes):
                    marked = _marked(option.attributes, "selected", option.attributes["value"] in chosen)
                    yield from _tag(option, marked)
        elif place < len(values):
            if it.kind == "textarea":
                yield it.inner, "\n" + escape(values[place], quote=False)
            else:
                now["value"] = values[place]
        yield from _tag(it, now)


def _marked(attributes: Attributes, mark: str, wanted: bool) -> Attributes:
    bare = {name: value for name, value in attributes.items() if name != mark}
    return bare | {mark: None} if wanted else bare


def _tag(control: Control, now: Attributes) -> Iterator[Edit]:
    if now != control.attributes:
        told = (name if value is None else f'{name}="{escape(value)}"' for name, value in now.items())
        yield control.tag, f"<{' '.join((control.kind, *told))}>"


class _Reader(HTMLParser):
    """Finds the forms of a page and where their fields stand in its text."""

    def __init__(self, page: str, address: str) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self._address = address
        self._lines = [0]
        for line in page.split("\n"):
            self._lines.append(self._lines[-1] + len(line) + 1)
        self._folded: list[Control] = []
        self._form: Form | None = None
        self._named: dict[str, Form] = {}
        self._apart: list[tuple[str, Control]] = []  # fields that stand outside of their form
        self._inside: Control | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember what is a form, a field of one, or folds one away."""
        start = self._at()
        stop = start + len(self.get_starttag_text() or "")
        found = Control(tag, dict(attrs), slice(start, stop), slice(stop, stop), stop)
        if tag == "details":
            self._folded.append(found)
        elif tag == "form" and (found.attributes.get("method") or "").lower() == "post":
            folded = [it for it in self._folded if "open" not in it.attributes]
            self._form = Form({_path(found.attributes.get("action") or self._address)}, [], folded)
            self._named[found.attributes.get("id") or ""] = self._form
            self.forms.append(self._form)
        elif (at := found.attributes.get("form")) and tag in ("input", "select", "textarea"):
            self._apart.append((at, found))
            self._inside = found if tag != "input" else None
        elif tag == "option" and self._inside is not None:
            self._inside.options.append(found)
        elif self._form is None:
            return
        elif tag == "button" and (elsewhere := found.attributes.get("formaction")):
            self._form.addresses.add(_path(elsewhere))
        elif tag in ("input", "select", "textarea"):
            self._form.controls.append(found)
            self._inside = found if tag != "input" else None

    def close(self) -> None:
        """The page is read: fields that name their form come to it."""
        super().close()
        for name, control in self._apart:
            if name in self._named:
                self._named[name].controls.append(control)

    def handle_endtag(self, tag: str) -> None:
        """Close what was open."""
        if tag == "details" and self._folded:
            self._folded.pop()
        elif tag == "form":
            self._form = None
        elif self._inside is not None and tag == self._inside.kind:
            self._inside.inner = slice(self._inside.inner.start, self._at())
            self._inside.end = self._at() + len(f"</{tag}>")
            self._inside = None

    def _at(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column


def _path(action: str) -> str:
    return action.partition("?")[0].partition("#")[0]
