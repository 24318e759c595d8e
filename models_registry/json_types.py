"""Types of the JSON that the API answers, with what Python's own types can't say of it.

The components of the OpenAPI document are made from them. In `Annotated` stand keywords of JSON
Schema, a class of choices (the enumeration), a text (the description) or a component.
"""

from __future__ import annotations

from typing import Annotated, Any, NamedTuple

# ASCII only, so that no two ids look alike; no "/", "%" or leading dot, so that an id stays one
# segment of a path whatever reads it on the way.
ID_PATTERN = r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}"


class Keywords:
    """Keywords of JSON Schema beside a type, such as `Keywords(minimum=1)`."""

    def __init__(self, **keywords: Any) -> None:
        self.keywords = keywords


class Component(NamedTuple):
    """The component of this name stands for the type."""

    name: str


Identifier = Annotated[str, Keywords(pattern=f"^{ID_PATTERN}$")]
UUIDText = Annotated[str, Keywords(format="uuid")]
Timestamp = Annotated[str, Keywords(format="date-time")]
NonNegativeInt = Annotated[int, Keywords(minimum=0)]
JSONObject = dict[str, Any]
