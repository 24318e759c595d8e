"""How much a regular expression may cost per character, read off its text.

User patterns run in jsonschema-rs' linear engine alone, never in Python's `re`. Linear is not
cheap: `[ab]*a[ab]{9000}c` is 17 characters, is within the engine's size limit, and was measured at
50 µs for each character of text (50 s for 1 MiB). What costs is the number of places in the
pattern that can be matched at once, with counted repeats written out.
"""

from __future__ import annotations

import re

PATTERN_LIMIT = 1000
# A counted repeat, as opposed to braces that stand for themselves or name a class (\p{L}).
REPEAT = re.compile(r"\{([0-9]+)(,?)([0-9]*)\}", re.ASCII)
# The engine refuses far smaller ones; this only keeps the arithmetic small.
HUGE = 10**9


def positions(pattern: str) -> int:
    """Return an upper bound of the places of `pattern` that can be matched at once.

    Groups of alternatives count all of them; {n,m} multiplies what it repeats. Text that is no
    regular expression gives some number too.
    """
    totals, last, at = [1], 1, 0
    while at < len(pattern):
        character = pattern[at]
        if repeat := REPEAT.match(pattern, at):
            times = max(int(part[:9] or 0) for part in repeat.group(1, 3))
            totals[-1] = min(totals[-1] + last * max(times - 1, 0), HUGE)
            last = min(last * max(times, 1), HUGE)
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


def _after(pattern: str, at: int) -> int:
    """Return where the next atom begins: a class and an escape are one."""
    if pattern[at] == "\\":
        named = re.compile(r"\\[pPuxk]\{[^}]*\}").match(pattern, at)
        return named.end() if named else at + 2
    if pattern[at] != "[":
        return at + 1
    at += 1
    depth = 1
    while at < len(pattern) and depth:
        if pattern[at] == "\\":
            at += 1
        elif pattern[at] == "[":
            depth += 1
        elif pattern[at] == "]":
            depth -= 1
        at += 1
    return at
