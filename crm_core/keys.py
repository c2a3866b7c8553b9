"""Keys by which names are sorted and found, made here because the database needs no ICU and no extension.

A key is case-folded and without accents, so that "Zielinska" finds "Zielińska" and "łódź" stands by "lodz".
Letters of other scripts stay as they are, only folded.
"""

import re
import unicodedata

# Letters that Unicode does not take apart into a base and a mark.
_PLAIN = str.maketrans({"ł": "l", "ø": "o", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"})
_GAPS = re.compile(r"[^\w]+|_+")
# й and ї are letters of their own in Cyrillic; only the marks of Latin and Greek letters are dropped.
_KEEPS_MARKS = re.compile(r"[\u0400-\u04ff]")


def folded(text: str) -> str:
    """`text` case-folded, without the accents of Latin letters."""
    whole = unicodedata.normalize("NFKC", text).casefold()
    return "".join(_bare(letter) for letter in whole).translate(_PLAIN)


def search_key(text: str) -> str:
    """The words of `text`, folded, with single spaces between: what `words_query` is matched against."""
    return _GAPS.sub(" ", folded(text)).strip()


def sort_key(text: str) -> str:
    """What a list is ordered by."""
    return search_key(text)


def words_query(text: str) -> str | None:
    """A `tsquery` in which every word of `text` must begin some word; None when there is no word in it."""
    words = search_key(text).split()
    return " & ".join(f"{word}:*" for word in words) or None


def _bare(letter: str) -> str:
    if _KEEPS_MARKS.match(letter):
        return letter
    parts = unicodedata.normalize("NFD", letter)
    return "".join(part for part in parts if not unicodedata.combining(part))
