"""Texts that a regular expression may match, made by reading it; the validator has the last word.

For everyday patterns. Of any other the texts match or not, and cost nothing but a try.
"""

from __future__ import annotations

from collections.abc import Iterator

LONGEST = 200
CLASSES = {"d": "0", "w": "a", "s": " ", "D": "a", "W": "-", "S": "a", "t": "\t", "n": "\n"}
CANDIDATES = "aA0 -_.@é"


def texts(pattern: str) -> Iterator[str]:
    """Yield a few texts: the shortest, and ones with repeats made longer."""
    seen = set()
    for more in (0, 1, 3):
        reader = _Reader(pattern, more)
        text = reader.alternatives()[:LONGEST]
        if text not in seen:
            seen.add(text)
            yield text


class _Reader:
    """One reading of a pattern; what may repeat is repeated `more` times beyond its least."""

    def __init__(self, pattern: str, more: int) -> None:
        self._pattern, self._more, self._at = pattern, more, 0

    def alternatives(self) -> str:
        """Read up to the end of the group; the first alternative that says something."""
        found = [self._sequence()]
        while self._take("|"):
            found.append(self._sequence())
        return found[min(self._more, len(found) - 1)]

    def _sequence(self) -> str:
        text = ""
        while self._at < len(self._pattern) and self._pattern[self._at] not in "|)":
            text += self._repeated(self._atom())
            if len(text) > LONGEST:
                self._at = len(self._pattern)
        return text

    def _atom(self) -> str:
        character = self._next()
        if character == "(":
            if self._take("?"):
                self._skip_group_kind()
            inner = self.alternatives()
            self._take(")")
            return inner
        if character == "[":
            return self._of_class()
        if character == "\\":
            return self._escaped()
        return {"^": "", "$": "", ".": "a"}.get(character, character)

    def _repeated(self, atom: str) -> str:
        least, most = 1, 1
        if self._take("*"):
            least, most = 0, LONGEST
        elif self._take("+"):
            most = LONGEST
        elif self._take("?"):
            least = 0
        elif self._take("{"):
            least, most = self._counts()
        self._take("?")
        return atom * min(least + self._more, most, LONGEST)

    def _counts(self) -> tuple[int, int]:
        inside, _, rest = self._pattern[self._at :].partition("}")
        least, comma, most = inside.partition(",")
        if not least.isdecimal():
            return 1, 1
        self._at = len(self._pattern) - len(rest)
        number = int(least[:6])
        return number, (int(most[:6]) if most.isdecimal() else LONGEST) if comma else number

    def _of_class(self) -> str:
        is_negated = self._take("^")
        members = ""
        while self._at < len(self._pattern) and not (members and self._pattern[self._at] == "]"):
            character = self._next()
            members += self._escaped() if character == "\\" else character
        self._take("]")
        if not is_negated:
            return members[:1]
        return next((one for one in CANDIDATES if one not in members), "~")

    def _escaped(self) -> str:
        character = self._next()
        if character in "pP" and self._take("{"):
            while self._at < len(self._pattern) and self._next() != "}":
                pass
            return "a"
        if character in "bB":
            return ""
        return CLASSES.get(character, character)

    def _skip_group_kind(self) -> None:
        """Pass over `?:`, `?<name>`."""
        if self._next() == "<":
            while self._at < len(self._pattern) and self._next() != ">":
                pass

    def _take(self, character: str) -> bool:
        is_there = self._pattern[self._at : self._at + 1] == character
        self._at += is_there
        return is_there

    def _next(self) -> str:
        character = self._pattern[self._at : self._at + 1]
        self._at += 1
        return character
