"""The previewed impact of a random edit is its impact, and the preview writes nothing."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from models_registry.models import INTERFACES, InterfaceChange, Model
from models_registry.services.definitions import Definition, check_definition
from models_registry.services.models import register_model, update_model
from models_registry.services.versions import set_version_status
from subscriptions.impact.preview import check_update
from subscriptions.impact.reports import fill_in
from subscriptions.models import EventSubscription, Revalidation, UpdateReport
from subscriptions.revalidation.runs import work_through
from subscriptions.services.subscribing import update_subscription
from tests.subscriptions.conftest import define, link

pytestmark = pytest.mark.django_db

LEAVES = [{}, {"type": "string"}, {"maximum": 3}, {"type": ["integer", "null"]}, False]
SCHEMAS = st.none() | st.fixed_dictionaries(
    {"properties": st.dictionaries(st.sampled_from("ab"), st.sampled_from(LEAVES))},
    optional={
        "type": st.just("object"),
        "title": st.sampled_from(["one", "other"]),
        "required": st.sampled_from([["a"], ["b"]]),
        "additionalProperties": st.just(False),
    },
)
HANDLERS = st.sampled_from(["one", "other"])
# What a model is, by the key of each handler and of each schema.
DEFINITIONS = st.fixed_dictionaries(
    {
        **dict.fromkeys(("training", "inference"), HANDLERS),
        **{(str(action), str(way)): SCHEMAS for action, way in INTERFACES},
    }
)
EDITS = st.dictionaries(st.sampled_from([*INTERFACES]), SCHEMAS, max_size=3)
PAYLOADS = st.sampled_from([{}, {"a": 1}, {"a": 5}, {"a": "x"}, {"b": 1}, {"a": None, "c": 2}])
# Who is subscribed to whom, and what was set since: of `b`, which changes, each side and both.
LINKS = st.fixed_dictionaries(
    {
        "ends": st.sampled_from(["ab", "ba", "bb"]),
        "event": st.sampled_from(["training_complete", "inference_complete"]),
        "action": st.sampled_from(["training", "inference"]),
        "input": st.none() | PAYLOADS,
        "set": st.sampled_from(["active", "active", "paused", "stale"]),
    }
)


def _definition(what: dict[Any, Any]) -> Definition:
    arn = "arn:aws:lambda:us-west-2:123456789012:function:"
    contracts: dict[str, Any] = {}
    for action, way in INTERFACES:
        schema = what[str(action), str(way)]
        if schema is not None:
            contracts.setdefault(str(action), {})[f"{way}_schema"] = schema
    return check_definition(
        handlers={
            action: {"type": "lambda", "arn": f"{arn}{what[action]}"}
            for action in ("training", "inference")
        },
        handler_contracts=contracts or None,
    )


def _become(what: dict[Any, Any]) -> None:
    """Update `b`, and have its stored payloads checked."""
    update_model(model_id="b", name="b", description="", metadata={}, definition=_definition(what))
    for run in Revalidation.objects.filter(status="pending"):
        work_through(run.pk)


def _subscribe(of: dict[str, Any]) -> None:
    from models_registry.errors import DomainError

    source = "stored" if of["input"] is not None else "trigger_output"
    try:
        made = link(
            *of["ends"],
            trigger_event=of["event"],
            target_action=of["action"],
            input_source=source,
            input=of["input"],
        )
    except DomainError:  # a loop
        return
    if of["set"] != "active":
        changes = {"status": of["set"]}
        update_subscription(source_id=of["ends"][0], subscription_id=made.pk, changes=changes)


def _subscriptions() -> dict[Any, Any]:
    return {each.pk: each for each in EventSubscription.objects.with_status()}


def digest_of_every_table() -> dict[str, str]:
    """Return a hash of the rows of every table there is, whoever it belongs to."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            rows = sorted(map(repr, cursor.fetchall()))
            found[table] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return found


@settings(
    max_examples=30,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    first=DEFINITIONS,
    edits=EDITS,
    further=EDITS,
    handler=st.none() | HANDLERS,
    early=st.lists(LINKS, max_size=4),
    late=st.lists(LINKS, max_size=4),
)
def test_the_previewed_impact_of_a_random_edit_is_its_impact(
    make_model, first, edits, further, handler, early, late
):
    """Of interfaces, of who becomes stale or stops being it, and of each stored payload."""
    EventSubscription.objects.all().delete()
    Model.objects.all().delete()
    present = first | edits
    planned = present | further | ({} if handler is None else {"inference": handler})
    _start(make_model, first)
    for each in early:
        _subscribe(each)
    _become(present)
    for each in late:
        _subscribe(each)
    before, rows = _subscriptions(), digest_of_every_table()
    last = InterfaceChange.objects.latest("id").pk

    report: Any = check_update(model_id="b", definition=_definition(planned))
    assert digest_of_every_table() == rows
    _become(planned)

    recorded = {
        (change.action, change.direction) for change in InterfaceChange.objects.filter(id__gt=last)
    }
    changed = {(one["action"], one["direction"]) for one in report["interfaces"] if one["changes"]}
    assert changed == recorded
    after = _subscriptions()
    assert report["stale"] == _counted(before, after)
    _assert_payloads(
        report["payloads"], before, after, {action for action, way in changed if way == "input"}
    )
    _assert_report_is_stored(report, bool(changed))


def _start(make_model: Any, what: dict[Any, Any]) -> None:
    make_model("a")
    register_model(
        model_id="b", name="b", description="", metadata={}, definition=_definition(what)
    )
    set_version_status(model_id="b", version="1", status="active")


def _counted(before: dict[Any, Any], after: dict[Any, Any]) -> dict[str, int]:
    """Count what became of each subscription, one by one."""
    found = Counter(target=0, source=0, total=0, active=0, ended=0)
    for pk, now in after.items():
        was = before[pk]
        if was.state != "stale":
            found["ended"] += was.effective_status == "stale" != now.effective_status
            if was.effective_status != "stale" == now.effective_status:
                found["total"] += 1
                found["active"] += was.state == "active"
                found["target"] += now.target_differs and now.target_id == "b"
                found["source"] += now.source_differs and now.source_id == "b"
    return dict(found)


def _assert_payloads(
    changed: list[Any], before: dict[Any, Any], after: dict[Any, Any], actions: set[str]
) -> None:
    assert {each["action"] for each in changed} == actions
    for each in changed:
        held = [
            (before[pk], now)
            for pk, now in after.items()
            if (now.target_id, now.target_action, now.input_source)
            == ("b", each["action"], "stored")
        ]
        broken = [(was, now) for was, now in held if now.warnings]
        run = Revalidation.objects.filter(action=each["action"]).latest("created_at")
        assert (run.status, run.checked, run.invalid) == ("success", len(held), len(broken))
        assert (each["total"], each["checked"], each["invalid"]) == (
            len(held),
            len(held),
            len(broken),
        )
        assert each["already_invalid"] == sum(bool(was.warnings) for was, _ in broken)
        shown = {example["subscription_id"]: example["faults"] for example in each["examples"]}
        assert shown.keys() == {str(now.pk) for _, now in broken}
        for _, now in broken:
            lines = [f"input{fault['path']}: {fault['message']}" for fault in shown[str(now.pk)]]
            assert now.warnings[: len(lines)] == lines


def _assert_report_is_stored(report: Any, is_changed: bool) -> None:
    latest = UpdateReport.objects.order_by("-last_change").first()
    if is_changed:
        fill_in(latest.pk)
        latest.refresh_from_db()
        assert latest.report == {key: report[key] for key in report if key != "against"}


def test_a_check_over_http_writes_no_row_of_any_table(api, make_model):
    make_model("a")
    make_model("b", contracts={"inference": {"input_schema": {"required": ["x"]}}})
    link("a", "b", input={})
    rows = digest_of_every_table()
    body = {
        "handlers": define("b").handlers,
        "handler_contracts": {"inference": {"input_schema": {"required": ["y"]}}},
    }

    assert api.post("/v2/models/b/contract-check", body).body["payloads"][0]["invalid"] == 1
    assert digest_of_every_table() == rows
