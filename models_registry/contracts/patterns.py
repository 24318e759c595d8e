"""Regular expressions: an upper bound of their cost per character, and their ambiguous syntax.

User patterns only run in jsonschema-rs' linear engine, never in Python's `re`. Linear is not cheap:
`[ab]*a[ab]{9000}c` has 17 characters, is within the engine's size limit, and was measured at 50 µs
for each character of text (50 s for 1 MiB). The cost grows with the number of positions in the
pattern that can match at once, with counted repeats expanded. So this module must parse a pattern
as the engine does. Syntax that the engine reads differently from ECMA-262 is refused in a new
contract; in one that an earlier release accepted, its worst meaning is counted.
"""

from __future__ import annotations

import re
from math import prod

PATTERN_LIMIT = 1000
# White space after `(?x)` and in braces: the engine ignores it, ECMA-262 matches it.
VERBOSE = re.compile(r"\(\?[A-Za-z]*x[A-Za-z]*(?:-[A-Za-z]*)?[:)]", re.ASCII)
SPACED = re.compile(r"\{[^}]*\s")
SPACED_REPEAT = re.compile(r"\{\s*([0-9]*)\s*(?:,\s*([0-9]*)\s*)?\}")
# To the engine a bracket, or all but one; in ECMA-262 nothing, or anything.
EMPTY_CLASS = re.compile(r"\[\^?\]")
# To the engine boundaries of text and words, and characters by number or class; in ECMA-262 literal
# characters.
OTHER_ESCAPE = re.compile(r"\\(?:[AzU<>]|x\{|[bB]\{|[pP](?!\{))")
CLASS = re.compile(r"\[(?:\\.|[^\]\\])*\]?", re.DOTALL)
NAMED = re.compile(r"\\[pPuxk]\{[^}]*\}")
# A counted repeat, as opposed to literal braces and those of a class (\p{L}).
REPEAT = re.compile(r"\{([0-9]+)(,?)([0-9]*)\}", re.ASCII)
# The engine refuses far smaller ones; this only limits the arithmetic.
HUGE = 10**9
# Syntax that makes it ambiguous where atoms begin, or how often one is repeated.
AMBIGUOUS = (VERBOSE, SPACED, EMPTY_CLASS)


def positions(pattern: str) -> int:
    """Return an upper bound of the positions in `pattern` that can match at once.

    Groups of alternatives count all of them; {n,m} multiplies what it repeats. Text that is no
    regular expression gives some number too.
    """
    if _first(AMBIGUOUS, pattern):
        return _however_read(pattern)
    totals, last, at = [1], 1, 0
    while at < len(pattern):
        character = pattern[at]
        if repeat := REPEAT.match(pattern, at):
            times = _times(*repeat.group(1, 3))
            totals[-1] = min(totals[-1] + last * (times - 1), HUGE)
            last = min(last * times, HUGE)
            at = repeat.end()
            continue
        if character == "(":
            totals.append(0)
        elif character == ")" and len(totals) > 1:
            last = max(totals.pop(), 1)
            totals[-1] = min(totals[-1] + last, HUGE)
        elif character not in "*+?|^$":
            last = 1
            totals[-1] += 1
        at = _after(pattern, at)
    return min(sum(totals), HUGE)


def _however_read(pattern: str) -> int:
    """Return an upper bound for an ambiguous pattern, for every way of reading it."""
    if VERBOSE.search(pattern) and "{" in pattern:
        return HUGE  # white space and comments may stand between the digits of a repeat
    repeats = SPACED_REPEAT.findall(pattern)
    return min(len(pattern) * prod(_times(*numbers) for numbers in repeats), HUGE)


def _times(*numbers: str) -> int:
    return max(1, *(int(number[:9] or 0) for number in numbers))


def read_in_two_ways(pattern: str) -> str:
    """Return the first part of `pattern` that engine and ECMA-262 read differently, else ""."""
    return _first((*AMBIGUOUS, OTHER_ESCAPE), pattern)


def _first(sought: tuple[re.Pattern[str], ...], pattern: str) -> str:
    at = 0
    while at < len(pattern):
        for what in sought:
            if found := what.match(pattern, at):
                return found[0]
        at = _after(pattern, at)
    return ""


def _after(pattern: str, at: int) -> int:
    """Return where the next atom begins; a class is one atom, and an escape is one.

    A class ends with the first bracket that is not escaped; "[" in it is a literal.
    """
    if pattern[at] == "\\":
        named = NAMED.match(pattern, at)
        return named.end() if named else at + 2
    found = CLASS.match(pattern, at)
    return found.end() if found else at + 1
