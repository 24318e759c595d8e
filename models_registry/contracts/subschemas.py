"""The graph of a contract: its subschemas and their references."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin

from models_registry.contracts import keywords
from models_registry.contracts.strict_json import pointer
from models_registry.contracts.strict_json import token as key_of
from models_registry.errors import Fault

# URIs without anything to normalise, so that this module and the validator resolve them alike.
PLAIN_ADDRESS = re.compile(
    r"(?:(?:https?://[a-z0-9.-]+(?::[0-9]+)?(?=/)|[a-z][a-z0-9+-]*:(?!//))|\./)?[A-Za-z0-9_~/?=&+:.,;@!$'()*-]*"
)
DOT_SEGMENT = re.compile(r"/\.{1,2}(?=/|$)|^\.\.?$|^\.\./")

OTHER_DIALECT = f"Only Draft 2020-12 is understood: {keywords.DIALECT}"
LEAVES = "The reference leaves the document; nothing is fetched."
NOWHERE = "The reference leads nowhere in the document."
WHOLE = 'Write "#" for the document itself.'
SAYS_NOTHING = "The reference leads into an annotation, which says nothing of values; use $defs."


@dataclass(eq=False)
class Subschema:
    """One schema inside the document; `uri` is the address of its schema resource."""

    pointer: str
    schema: Any
    uri: str
    parts: list[tuple[str, str | int | None, Subschema]] = field(default_factory=list)
    _by_keyword: dict[str, list[tuple[str | int | None, Subschema]]] = field(default_factory=dict)
    _by_key: dict[tuple[str, str | int | None], Subschema] = field(default_factory=dict)

    def add(self, keyword: str, key: str | int | None, part: Subschema) -> None:
        """Add a subschema under `keyword`."""
        self.parts.append((keyword, key, part))
        self._by_keyword.setdefault(keyword, []).append((key, part))
        self._by_key[keyword, key] = part

    def of(self, keyword: str) -> list[tuple[str | int | None, Subschema]]:
        """Return the subschemas under `keyword`, with their keys."""
        return self._by_keyword.get(keyword, [])

    def at(self, keyword: str, key: str) -> Subschema | None:
        """Return the subschema under `key` of `keyword`; None if there is none."""
        return self._by_key.get((keyword, key))

    def has_any(self, wanted: frozenset[str]) -> bool:
        """Return whether there is a subschema under one of these keywords."""
        return not wanted.isdisjoint(self._by_keyword)


class Contract:
    """The graph of one document, with the faults found while building it.

    With `objections` a contract is not accepted but can be used, since an earlier release may have
    accepted it. A reference is a part like any other, with its keyword and no key; a `$dynamicRef`
    has one part for every possible target.
    """

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.faults: list[Fault] = []
        self.objections: list[Fault] = []
        self.subschemas: dict[str, Subschema] = {}
        self.resources: dict[str, Subschema] = {}
        self.anchors: dict[tuple[str, str], Subschema] = {}
        self.dynamic: dict[str, list[Subschema]] = {}
        self.root = self._walk("", document, keywords.NAMELESS)
        self.resources.setdefault(keywords.NAMELESS, self.root)
        self._link()

    @property
    def is_bundle(self) -> bool:
        """Whether there are several schema resources, each with its own address."""
        return len({subschema.uri for subschema in self.subschemas.values()}) > 1

    def _walk(self, at: str, schema: Any, uri: str) -> Subschema:
        """Add the subschema at the pointer `at` and all below it."""
        found = Subschema(at, schema, uri)
        if not isinstance(schema, dict):
            self.subschemas[at] = found
            return found
        self._name(found)
        self.subschemas[at] = found
        for keyword, key, value in keywords.parts(schema):
            place = pointer(at, keyword) if key is None else pointer(pointer(at, keyword), key)
            known = self.subschemas.get(place)
            part = self._walk(place, value, found.uri) if known is None else known
            found.add(keyword, key, part)
        return found

    def _name(self, found: Subschema) -> None:
        """Register `$id`, `$anchor` and `$dynamicAnchor` of a subschema."""
        if found.schema.get("$schema", keywords.DIALECT) != keywords.DIALECT:
            self._fault(found, "$schema", OTHER_DIALECT)
        identifier = found.schema.get("$id")
        if isinstance(identifier, str):
            address = identifier.removesuffix("#")
            if is_plain(address):
                found.uri = urljoin(found.uri, address)
            else:
                self._fault(found, "$id", "Write the address plainly, without . and .. segments.")
            if self.resources.setdefault(found.uri, found) is not found:
                self._fault(found, "$id", "Another part of the document has this $id.")
        self._name_anchors(found)

    def _name_anchors(self, found: Subschema) -> None:
        for keyword in ("$anchor", "$dynamicAnchor"):
            name = found.schema.get(keyword)
            if isinstance(name, str):
                if self.anchors.setdefault((found.uri, name), found) is not found:
                    self._fault(found, keyword, "Another part of the document has this anchor.")
                if keyword == "$dynamicAnchor":
                    self.dynamic.setdefault(name, []).append(found)

    def _link(self) -> None:
        """Resolve every reference; data that a reference leads to becomes a schema."""
        pending = list(self.subschemas.values())
        while pending:
            known = set(self.subschemas)
            for subschema in pending:
                for keyword in keywords.REFERENCES:
                    for target in self._targets(subschema, keyword):
                        subschema.add(keyword, None, target)
            pending = [part for at, part in self.subschemas.items() if at not in known]

    def _targets(self, subschema: Subschema, keyword: str) -> Iterator[Subschema]:
        schema = subschema.schema
        reference = schema.get(keyword) if isinstance(schema, dict) else None
        if not isinstance(reference, str):
            return
        if not reference:
            # The same as "#", but the validator ignores it.
            self.objections.append(Fault(pointer(subschema.pointer, keyword), WHOLE))
        address, fragment = urldefrag(reference)
        uri = urljoin(subschema.uri, address) if address else subschema.uri
        if not is_plain(address) or uri not in self.resources:
            self._fault(subschema, keyword, LEAVES)
            return
        target = self._at(self.resources[uri], unquote(fragment))
        if target is None:
            self._fault(subschema, keyword, NOWHERE)
            return
        # Contracts that differ only in annotations have the same fingerprint.
        if _leads_through_annotation(unquote(fragment)):
            self.objections.append(Fault(pointer(subschema.pointer, keyword), SAYS_NOTHING))
        if keyword == "$dynamicRef" and target in self.dynamic.get(fragment, ()):
            yield from self._dynamic_targets(fragment)
        else:
            yield target

    def _dynamic_targets(self, name: str) -> list[Subschema]:
        """Return the possible targets of `name`; the anchor of the root document has precedence."""
        everywhere = self.dynamic[name]
        return [other for other in everywhere if other.uri == self.root.uri] or everywhere

    def _at(self, resource: Subschema, fragment: str) -> Subschema | None:
        """Return the target of `fragment`, a JSON Pointer or an anchor, in `resource`."""
        if fragment == "":
            return resource
        if not fragment.startswith("/"):
            return self.anchors.get((resource.uri, fragment))
        value, uri = resource.schema, resource.uri
        for token in fragment[1:].split("/"):
            value = _member(value, key_of(token))
        if not isinstance(value, dict | bool):
            return None
        place = resource.pointer + fragment
        return self.subschemas.get(place) or self._walk(place, value, uri)

    def _fault(self, found: Subschema, keyword: str, message: str) -> None:
        self.faults.append(Fault(pointer(found.pointer, keyword), message))


def is_plain(address: str) -> bool:
    """Return whether `address` needs no normalisation."""
    return bool(PLAIN_ADDRESS.fullmatch(address)) and not DOT_SEGMENT.search(address)


def _leads_through_annotation(fragment: str) -> bool:
    """Return whether a JSON Pointer from a schema leads through an annotation keyword."""
    tokens = iter(fragment.split("/")[1:])
    for keyword in tokens:
        if keyword in keywords.ANNOTATIONS:
            return True
        if keyword in keywords.MAPS | keywords.LISTS:
            next(tokens, None)
        elif keyword not in keywords.SINGLE:
            return False  # data, which has no annotations
    return False


def _member(value: Any, key: str) -> Any:
    """Return the member of an object or an array for the token of a pointer, or None."""
    if isinstance(value, dict):
        return value.get(key)
    if isinstance(value, list) and re.fullmatch(r"0|[1-9][0-9]{0,6}", key, re.ASCII):
        return value[int(key)] if int(key) < len(value) else None
    return None
