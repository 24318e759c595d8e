"""One text for equal JSON values (RFC 8785), and fingerprints over it.

Our own and small, so that no upgrade of a library changes a fingerprint that is stored.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from models_registry.contracts import keywords

# Say nothing about which values fit; as the API page lists them.
ANNOTATIONS = frozenset(
    {"title", "description", "$comment", "examples", "deprecated", "readOnly", "writeOnly"}
)


def canonical_json(value: Any) -> bytes:
    """Return the one text of `value` by RFC 8785: sorted keys, ECMAScript's numbers, no spaces.

    Equal values have the same text (1 and 1.0 and 1e0; -0.0 and 0), other values another.
    Raises ValueError for what JSON can't hold: NaN, infinities, other types, half a surrogate
    pair (as UnicodeEncodeError, a ValueError); and for what nests some hundred levels deep.
    """
    try:
        return "".join(_tokens(value)).encode("utf-8")
    except RecursionError:
        raise ValueError("This nests too deep to be written.") from None


def fingerprint(value: Any) -> str:
    """Return the SHA-256 of the canonical text of `value`, in hex."""
    return digest(canonical_json(value))


def digest(text: bytes) -> str:
    """Return the SHA-256 of `text` in hex."""
    return hashlib.sha256(text).hexdigest()


def interface_fingerprint(*, schema: dict[str, Any] | None, handler: dict[str, Any]) -> str:
    """Return the fingerprint of an interface: the schema without annotations, else the handler.

    Each kind is fingerprinted under its name, so that no schema can pass for a handler.
    """
    if schema is None:
        return fingerprint({"handler": handler})
    return fingerprint({"schema": without_annotations(schema)})


def without_annotations(schema: Any) -> Any:
    """Return `schema` without the annotations of its subschemas.

    The same words as property names, inside `enum`, `const`, `default` or an unknown keyword
    stay: they are no annotations there.
    """
    if not isinstance(schema, dict):
        return schema
    return {
        keyword: _of_keyword(keyword, value)
        for keyword, value in schema.items()
        if keyword not in ANNOTATIONS
    }


def _of_keyword(keyword: str, value: Any) -> Any:
    if keyword in keywords.SINGLE:
        return without_annotations(value)
    if keyword in keywords.LISTS and isinstance(value, list):
        return [without_annotations(item) for item in value]
    if keyword in keywords.MAPS and isinstance(value, dict):
        return {key: without_annotations(item) for key, item in value.items()}
    return value


def _tokens(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield "{"
        for index, key in enumerate(sorted(value, key=_utf16)):
            yield ("," if index else "") + _string(key) + ":"
            yield from _tokens(value[key])
        yield "}"
    elif isinstance(value, list | tuple):
        yield "["
        for index, item in enumerate(value):
            yield "," if index else ""
            yield from _tokens(item)
        yield "]"
    else:
        yield _scalar(value)


def _utf16(key: str) -> bytes:
    """The order of keys is that of their UTF-16 units."""
    if not isinstance(key, str):
        raise ValueError(f"A key must be a string, not {type(key).__name__}.")
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
    return json.dumps(value, ensure_ascii=False)


def _integer(value: int) -> str:
    try:
        nearest = float(value)
    except OverflowError:
        nearest = 0.0
    if nearest == value:
        return _number(nearest)
    # RFC 8785 has no text for what no double equals. The exponent, which no text of a double
    # has in this form, keeps it apart from the doubles that are written with the same digits.
    return f"{value}e0"


def _number(value: float) -> str:
    """Return the text ECMAScript gives this double; RFC 8785 asks for it."""
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
