"""The query of a URL, read parameter by parameter; all that is wrong with it is said at once."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime
from urllib.parse import urlencode

from django.utils.dateparse import parse_datetime
from rest_framework.request import Request

from models_registry.api.paths import broken_rule
from models_registry.errors import Fault, InvalidRequest

NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)
# Parameters that stand for themselves, as most do, such as "limit=100&status=failed".
_PARAMETER = r"[a-z_]++=[A-Za-z0-9._:~-]*+"
_PLAIN = re.compile(rf"(?:{_PARAMETER}(?:&{_PARAMETER}){{0,99}}+)?+", re.ASCII)
# As long as a name in the audit log may be.
TEXT_LIMIT = 255


class InvalidQuery(InvalidRequest):
    code = "invalid_query_parameter"
    message = "The query of the URL is malformed."


class Query:
    """The parameters of one request's query.

    Each method returns the parameter it is given the name of; None when it is absent, and when
    it is malformed. What is malformed is kept in `faults` until `refuse_faults`. Their path is "",
    since there is no place in the body to point at; the message names the parameter.
    """

    def __init__(self, request: Request, allowed: Collection[str]) -> None:
        self._is_plain = _PLAIN.fullmatch(request.META.get("QUERY_STRING", "")) is not None
        pairs = _pairs(request, is_plain=self._is_plain)
        self.parameters = dict(pairs)
        self.faults: list[Fault] = []
        for name in self.parameters:
            if name not in allowed:
                self.refuse(f"There is no query parameter '{name[:100]}' here.")
            elif len(self.parameters) < len(pairs) and sum(name == each for each, _ in pairs) > 1:
                self.refuse(f"'{name}' is given more than once.")

    def with_cursor(self, cursor: str) -> str:
        """Return the query that asks for the same from another place on."""
        parameters = {**self.parameters}
        parameters.pop("cursor", None)
        parameters["cursor"] = cursor
        if self._is_plain:  # as is a cursor
            return "&".join([f"{name}={value}" for name, value in parameters.items()])
        # A colon, which each cursor has, may stand in a query (RFC 3986, 3.4).
        return urlencode(parameters, safe=":")

    def refuse(self, message: str) -> None:
        self.faults.append(Fault("", message))

    def refuse_faults(self) -> None:
        """Raise InvalidQuery with every fault, if there is any."""
        if self.faults:
            raise InvalidQuery(faults=self.faults)

    def number(self, name: str, *, default: int, most: int) -> int:
        """Return a number from 1 to `most`; `default` when it is absent or malformed."""
        text = self.parameters.get(name)
        if text is None:
            return default
        number = int(text) if NUMBER.fullmatch(text) else 0
        if 1 <= number <= most:
            return number
        self.refuse(f"'{name}' must be a number from 1 to {most}.")
        return default

    def choice(self, name: str, choices: Collection[str]) -> str | None:
        value = self.parameters.get(name)
        if value is None or value in choices:
            return value
        self.refuse(f"'{name}' must be one of {', '.join(choices)}.")
        return None

    def text(self, name: str) -> str | None:
        value = self.parameters.get(name)
        if value is None or (value.isprintable() and 0 < len(value) <= TEXT_LIMIT):
            return value
        self.refuse(f"'{name}' must be 1 to {TEXT_LIMIT} printable characters.")
        return None

    def time(self, name: str) -> datetime | None:
        """Return an RFC 3339 time."""
        text = self.parameters.get(name)
        if text is None:
            return None
        try:
            # What an unescaped "+" is read as, which nobody means here.
            moment = parse_datetime(text.replace(" ", "+")) if "T" in text[:11] else None
        except ValueError:
            moment = None
        if moment is not None and moment.tzinfo is not None and 1 < moment.year < 9999:
            return moment
        self.refuse(f"'{name}' must be a time such as 2026-03-01T12:00:00Z.")
        return None

    def identifier(self, name: str) -> str | None:
        """Return an id, of the grammar that a path's parameter of this name has."""
        value = self.parameters.get(name)
        rule = None if value is None else broken_rule(name, value)
        if rule is not None:
            self.refuse(f"'{name}' {rule}.")
            return None
        return value


def _pairs(request: Request, *, is_plain: bool) -> list[tuple[str, str]]:
    """Return a query's parameters and their values; Django reads it where it has to be decoded."""
    if is_plain:
        text = request.META.get("QUERY_STRING", "")
        return [tuple(part.split("=")) for part in text.split("&")] if text else []
    return [(name, each) for name, values in request.query_params.lists() for each in values]
