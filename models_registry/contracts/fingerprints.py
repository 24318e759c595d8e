"""Canonical JSON (RFC 8785): the same text for equal values, and fingerprints of it.

This is no library, so that no upgrade changes a stored fingerprint.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable
from json.encoder import encode_basestring
from typing import Any

import orjson

from models_registry.contracts import keywords
from models_registry.contracts.caches import BoundedCache

# In sorted text: a number with a fraction or an exponent, one that a double may not represent, or a
# string that contains something similar.
_AMBIGUOUS = re.compile(rb"(?:^|[:\[,])-?(?:\d+[.eE]|\d{16})")
# Fingerprints of documents by their text as it was read.
_seen: BoundedCache[str] = BoundedCache(entries=2048, weight=4 * 1024 * 1024)


def canonical_json(value: Any) -> bytes:
    """Return the text of `value` by RFC 8785: sorted keys, ECMAScript's numbers, no spaces.

    Equal values have the same text (1 and 1.0 and 1e0; -0.0 and 0), other values a different one.
    Raises ValueError for what JSON can't represent: NaN, infinities, other types, half a surrogate
    pair (as UnicodeEncodeError, a ValueError); and for values nested some hundred levels deep.
    """
    tokens: list[str] = []
    try:
        _write(value, tokens)
    except RecursionError:
        raise ValueError("This nests too deep to be written.") from None
    return "".join(tokens).encode("utf-8")


def fingerprint(value: Any) -> str:
    """Return the SHA-256 of the canonical text of `value`, in hex."""
    return digest(canonical_json(value))


def fingerprint_of_json(value: Any) -> str:
    """Return the same as `fingerprint` for JSON as it was read, mostly ten times as fast.

    Sorted text is canonical if no key and no number can be written in two ways.
    """
    text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    if text.isascii() and not _AMBIGUOUS.search(text):
        return digest(text)
    return fingerprint(value)


def document_fingerprint(document: Any) -> str:
    """Return the same as `fingerprint` for a contract, from a cache.

    There are few contracts, and each request needs one. Only for JSON as it was read: the cache
    goes by its text, which is the same for NaN and null. Raises TypeError for other values.
    """
    return _cached(b"document", document, fingerprint)


def _cached(kind: bytes, value: Any, compute: Callable[[Any], str]) -> str:
    text = orjson.dumps(value)
    known = _seen.get(kind + text)
    if known is None:
        known = compute(value)
        _seen.put(kind + text, known, weight=len(text))
    return known


def digest(text: bytes) -> str:
    """Return the SHA-256 of `text` in hex."""
    return hashlib.sha256(text).hexdigest()


def interface_fingerprint(*, schema: dict[str, Any] | None, handler: dict[str, Any]) -> str:
    """Return the fingerprint of an interface: the schema without annotations, else the handler.

    The fingerprint includes the kind, so that a schema never equals a handler.
    """
    if schema is None:
        return fingerprint({"handler": handler})
    return _cached(b"schema", schema, _of_schema)


def _of_schema(schema: dict[str, Any]) -> str:
    return fingerprint({"schema": without_annotations(schema)})


def without_annotations(schema: Any) -> Any:
    """Return `schema` without the annotations of its subschemas.

    The same words stay where they are no annotations: as names of properties, and inside `enum`,
    `const`, `default` and unknown keywords.
    """
    if not isinstance(schema, dict):
        return schema
    return {
        keyword: _of_keyword(keyword, value)
        for keyword, value in schema.items()
        if keyword not in keywords.ANNOTATIONS
    }


def _of_keyword(keyword: str, value: Any) -> Any:
    if keyword in keywords.SINGLE:
        return without_annotations(value)
    if keyword in keywords.LISTS and isinstance(value, list):
        return [without_annotations(item) for item in value]
    if keyword in keywords.MAPS and isinstance(value, dict):
        return {key: without_annotations(item) for key, item in value.items()}
    return value


def _write(value: Any, tokens: list[str]) -> None:
    """Append the text of `value`; a generator would take three times as long."""
    if isinstance(value, dict):
        tokens.append("{")
        for index, key in enumerate(_in_order(value)):
            tokens.append(("," if index else "") + _string(key) + ":")
            _write(value[key], tokens)
        tokens.append("}")
    elif isinstance(value, list | tuple):
        tokens.append("[")
        for index, item in enumerate(value):
            if index:
                tokens.append(",")
            _write(item, tokens)
        tokens.append("]")
    else:
        tokens.append(_scalar(value))


def _in_order(keys: Iterable[Any]) -> list[str]:
    """Return keys sorted by their UTF-16 code units; for ASCII that is the order of strings."""
    listed = list(keys)
    for key in listed:
        if not isinstance(key, str):
            raise ValueError(f"A key must be a string, not {type(key).__name__}.")
    if "".join(listed).isascii():
        listed.sort()
    else:
        listed.sort(key=_utf16)
    return listed


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be")


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, float):
        return _number(value)
    raise ValueError(f"JSON has no {type(value).__name__}.")


def _string(value: str) -> str:
    # Exactly RFC 8785's escapes: \b \t \n \f \r \" \\ and \u00xx for other control characters.
    return encode_basestring(value)


def _integer(value: int) -> str:
    try:
        nearest = float(value)
    except OverflowError:
        nearest = 0.0
    if nearest == value:
        return _number(nearest)
    # RFC 8785 has no text for an integer that no double equals. No double has an exponent in this
    # form, so the text differs from that of a double with the same digits.
    return f"{value}e0"


def _number(value: float) -> str:
    """Return the text of a double in ECMAScript, as RFC 8785 requires."""
    if value != value or value in (float("inf"), float("-inf")):
        raise ValueError("JSON has no NaN and no infinities.")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + ("" if fraction == "0" else fraction)).lstrip("0")
    # The value is 0.DIGITS times ten to the power of `point`.
    if whole != "0":
        point = len(whole) + int(exponent or 0)
    else:
        point = len(digits) - len(fraction) + int(exponent or 0)
    digits = digits.rstrip("0")
    return sign + _with_point(digits, point)


def _with_point(digits: str, point: int) -> str:
    """Place the decimal point by ECMAScript's Number::toString."""
    if len(digits) <= point <= 21:
        return digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    rest = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{rest}e{'+' if point > 0 else '-'}{abs(point - 1)}"
