"""Redaction: removes tokens, keys and passwords from logs and from the audit log."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

GONE = "[redacted]"
# Deeper than any JSON that is accepted; anything below is redacted as a whole.
DEPTH_LIMIT = 100

_SECRET_NAMES = re.compile(
    r"authorization|password|passwd|secret|credential|cookie|api[_-]?key|private[_-]?key"
    r"|access[_-]?key|session[_-]?id|tokens?$",
    re.IGNORECASE,
)
# Names of settings and special tokens of language models.
_HARMLESS = re.compile(
    r"(?:pad|bos|eos|unk|sep|cls|mask)_token$|(?:max|num|n)_tokens$", re.IGNORECASE
)
_IN_TEXT: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE), rf"\1 {GONE}"),
    # A job's callback token, a JWT, and AWS access keys, wherever they stand.
    (re.compile(r"\bmpjob_[A-Za-z0-9._~+/=-]+"), GONE),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?"), GONE),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"), GONE),
    # The password of a URL.
    (re.compile(r"(\w://[^\s:/@]{0,200}:)[^\s/@]{1,500}@"), rf"\1{GONE}@"),
    (
        re.compile(
            r"\b((?:authorization|password|passwd|secret|[a-z_-]{0,20}token|api[_-]?key"
            r"|secret[_-]?access[_-]?key)[\\\"']{0,3}\s?[:=]\s?[\\\"']{0,3})(?!\[)[^\s\\\"',;&}]+",
            re.IGNORECASE,
        ),
        rf"\1{GONE}",
    ),
)
# Every match of a pattern above contains one of these: a text without them is not searched.
_SIGNS = (
    *("bearer", "basic", "mpjob_", "eyj", "akia", "asia", "://"),
    *("authorization", "passw", "secret", "token", "api"),
)


@lru_cache(maxsize=1000)
def is_secret(name: str) -> bool:
    """Return whether a field of this name holds a secret."""
    return bool(_SECRET_NAMES.search(name)) and not _HARMLESS.search(name)


def redacted_text(text: str) -> str:
    """Return `text` without the tokens, keys and passwords that can be recognised in it."""
    if _is_harmless(text):
        return text
    for pattern, replacement in _IN_TEXT:
        text = pattern.sub(replacement, text)
    return text


def _is_harmless(text: str) -> bool:
    """Return whether no pattern can match; only in ASCII each letter has one lower case."""
    if not text.isascii():
        return False
    lowered = text.lower()
    return not any([sign in lowered for sign in _SIGNS])


def redacted(value: Any, *, depth: int = 0) -> Any:
    """Return a JSON value without secrets: by the names of its fields, and within its texts."""
    if depth > DEPTH_LIMIT:
        return GONE
    if isinstance(value, str):
        return redacted_text(value)
    if isinstance(value, dict):
        return {
            name: GONE if is_secret(str(name)) else redacted(item, depth=depth + 1)
            for name, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [redacted(item, depth=depth + 1) for item in value]
    return value
