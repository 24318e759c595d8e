"""Differences between the accepted interface of a subscription and the present one."""

from __future__ import annotations

from typing import Any

import pytest

from models_registry.services.definitions import check_definition
from models_registry.services.models import update_model
from subscriptions.services import staleness
from tests.subscriptions.conftest import link, update

pytestmark = pytest.mark.django_db

OPTIONAL = {"type": "object", "properties": {"x": {"type": "number"}}}
PATH = "/v2/models/a/event-subscriptions"


def _takes(schema: Any) -> Any:
    return {"inference": {"input_schema": schema}}


def _changes(api: Any, subscription: Any) -> list[list[tuple[str, str]]]:
    shown = api.get(f"{PATH}/{subscription.pk}").body
    return [
        [(change["pointer"], change["kind"]) for change in reason["changes"]]
        for reason in shown.get("stale_because", [])
    ]


def test_a_subscription_read_by_itself_shows_the_differences_by_pointer(api, make_model):
    make_model("a")
    make_model("b", contracts=_takes(OPTIONAL))
    subscription = link("a", "b", input={})
    update("b", _takes({**OPTIONAL, "required": ["x"]}))
    shown = api.get(f"{PATH}/{subscription.pk}").body

    (reason,) = shown["stale_because"]
    assert reason["changes"] == [
        {
            "pointer": "/required",
            "keyword": "required",
            "kind": "now_required",
            "message": 'The property "x" is now required.',
            "verdict": "incompatible",
            "lenient_verdict": "incompatible",
            "witness": {"value": {}},
            "lenient_witness": {"value": {}},
        }
    ]


def test_it_is_against_what_was_accepted_and_not_against_the_last_version(api, make_model):
    make_model("a")
    make_model("b", contracts=_takes(OPTIONAL))
    subscription = link("a", "b", input={})
    update("b", _takes({**OPTIONAL, "required": ["x"]}))
    update("b", _takes({**OPTIONAL, "required": ["x"], "maxProperties": 3}))
    assert _changes(api, subscription) == [
        [("/required", "now_required"), ("/maxProperties", "bound_added")]
    ]

    assert api.put(f"{PATH}/{subscription.pk}", {"status": "active"}).status == 200
    update("b", _takes({**OPTIONAL, "required": ["x"]}))
    assert _changes(api, subscription) == [[("/maxProperties", "bound_removed")]]


def test_target_and_source_have_changes_of_their_own(api, make_model):
    make_model("a", contracts={"inference": {"output_schema": OPTIONAL}})
    make_model("b", contracts=_takes(OPTIONAL))
    subscription = link("a", "b", input_source="trigger_output")
    update("b", _takes({"type": "object"}))
    update("a", None)

    assert _changes(api, subscription) == [
        [("/properties/x", "property_removed")],
        [("", "schema_removed")],
    ]


def test_where_no_schema_is_the_handler_is_named(api, make_model):
    make_model("a")
    make_model("b")
    subscription = link("a", "b", input={})
    handler = {"type": "lambda", "arn": "arn:aws:lambda:us-west-2:123456789012:function:other"}
    update_model(
        model_id="b",
        name="b",
        description="",
        metadata={},
        definition=check_definition(
            handlers={"training": handler, "inference": handler}, handler_contracts=None
        ),
    )

    (reason,) = api.get(f"{PATH}/{subscription.pk}").body["stale_because"]
    (change,) = reason["changes"]
    assert (change["kind"], change["verdict"]) == ("handler_changed", "unknown")
    assert "function:b-inference" in change["message"]
    assert "function:other" in change["message"]


def test_a_list_says_why_and_compares_nothing(api, make_model, monkeypatch):
    make_model("a")
    make_model("b", contracts=_takes(OPTIONAL))
    link("a", "b", input={})
    update("b", _takes({"required": ["x"]}))
    monkeypatch.setattr(staleness, "compare", _fail)

    (listed,) = api.get(PATH).body
    (reason,) = listed["stale_because"]
    assert set(reason) == {"side", "action", "direction", "version", "since"}


def _fail(*_: Any, **__: Any) -> None:
    raise AssertionError("A list must not wait for comparisons.")
