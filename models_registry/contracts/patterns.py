"""How much a regular expression may cost per character, read off its text.

User patterns run in jsonschema-rs' linear engine alone, never in Python's `re`. Linear is not
cheap: `[ab]*a[ab]{9000}c` is 17 characters, is within the engine's size limit, and was measured at
50 µs for each character of text (50 s for 1 MiB). What costs is the number of places in the
pattern that can be matched at once, with counted repeats written out. So the text must be read here
as the engine reads it. What it reads in a way of its own, unlike ECMA-262, is refused in a new
contract; in one that an earlier release accepted, it is counted for the worst that it can mean.
"""

from __future__ import annotations

import re
from math import prod

PATTERN_LIMIT = 1000
# White space after `(?x)` and in braces: nothing to the engine, itself in ECMA-262.
VERBOSE = re.compile(r"\(\?[A-Za-z]*x[A-Za-z]*(?:-[A-Za-z]*)?[:)]", re.ASCII)
SPACED = re.compile(r"\{[^}]*\s")
SPACED_REPEAT = re.compile(r"\{\s*([0-9]*)\s*(?:,\s*([0-9]*)\s*)?\}")
# To the engine a bracket, or what is not one; in ECMA-262 nothing, or anything.
EMPTY_CLASS = re.compile(r"\[\^?\]")
# To the engine ends of the text and of words, and characters by their numbers or classes; in
# ECMA-262 letters and marks that stand for themselves.
OTHER_ESCAPE = re.compile(r"\\(?:[AzU<>]|x\{|[bB]\{|[pP](?!\{))")
CLASS = re.compile(r"\[(?:\\.|[^\]\\])*\]?", re.DOTALL)
NAMED = re.compile(r"\\[pPuxk]\{[^}]*\}")
# A counted repeat, as opposed to braces that stand for themselves or name a class (\p{L}).
REPEAT = re.compile(r"\{([0-9]+)(,?)([0-9]*)\}", re.ASCII)
# The engine refuses far smaller ones; this only keeps the arithmetic small.
HUGE = 10**9
# What makes it doubtful where atoms begin, or how often one is repeated.
DOUBTFUL = (VERBOSE, SPACED, EMPTY_CLASS)


def positions(pattern: str) -> int:
    """Return an upper bound of the places of `pattern` that can be matched at once.

    Groups of alternatives count all of them; {n,m} multiplies what it repeats. Text that is no
    regular expression gives some number too.
    """
    if _first(DOUBTFUL, pattern):
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
    """Return an upper bound whatever is a class, a comment or a repeat, and within which other."""
    if VERBOSE.search(pattern) and "{" in pattern:
        return HUGE  # white space and comments may stand between the digits of a repeat
    repeats = SPACED_REPEAT.findall(pattern)
    return min(len(pattern) * prod(_times(*numbers) for numbers in repeats), HUGE)


def _times(*numbers: str) -> int:
    return max(1, *(int(number[:9] or 0) for number in numbers))


def read_in_two_ways(pattern: str) -> str:
    """Return what of `pattern` the engine reads otherwise than ECMA-262 does; "" if nothing."""
    return _first((*DOUBTFUL, OTHER_ESCAPE), pattern)


def _first(sought: tuple[re.Pattern[str], ...], pattern: str) -> str:
    at = 0
    while at < len(pattern):
        for what in sought:
            if found := what.match(pattern, at):
                return found[0]
        at = _after(pattern, at)
    return ""


def _after(pattern: str, at: int) -> int:
    """Return where the next atom begins: a class and an escape are one.

    A class ends with the first bracket that is not escaped; "[" in it stands for itself.
    """
    if pattern[at] == "\\":
        named = NAMED.match(pattern, at)
        return named.end() if named else at + 2
    found = CLASS.match(pattern, at)
    return found.end() if found else at + 1
