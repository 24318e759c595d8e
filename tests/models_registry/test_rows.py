"""Rows are written as `save()` writes them, whatever their fields are."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.checks import run_checks
from django.db import DatabaseError, connection, models
from django.db.models import F, Value
from django.db.models.fields import Field
from django.db.models.fields import files as file_fields
from django.db.models.fields.related import RelatedField
from django.db.models.functions import Lower, Now
from django.db.models.signals import pre_save
from django.test.utils import CaptureQueriesContext, isolate_apps

from models_registry.db import bulk, rows
from models_registry.db.json_field import JSONTextField
from models_registry.db.sql import Sql
from models_registry.models import Model
from tests.factories import make_model

ON_POSTGRESQL = connection.vendor == "postgresql"
MOMENT = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
SOME_ID = uuid.UUID(int=7)

# A field of each class that Django has, and a value for it.
PLAIN: dict[type[Field], tuple[dict[str, Any], Any]] = {
    models.BigIntegerField: ({}, 2**40),
    models.BinaryField: ({}, b"\0\xff"),
    models.BooleanField: ({}, True),
    models.CharField: ({"max_length": 9}, "a%s'\""),
    models.CommaSeparatedIntegerField: ({"max_length": 9}, "1,2"),
    models.DateField: ({}, date(2026, 3, 1)),
    models.DateTimeField: ({}, MOMENT),
    models.DecimalField: ({"max_digits": 5, "decimal_places": 2}, Decimal("1.50")),
    models.DurationField: ({}, timedelta(seconds=1.5)),
    models.EmailField: ({}, "a@b.example"),
    models.FileField: ({}, "a/b.txt"),
    models.FilePathField: ({}, "/a/b"),
    models.FloatField: ({}, 1.5),
    models.GenericIPAddressField: ({}, "2001:db8::1"),
    models.IPAddressField: ({}, "192.0.2.1"),
    models.ImageField: ({}, "a/b.png"),
    models.IntegerField: ({}, -5),
    models.JSONField: ({}, {"a": [1, None, "é"]}),
    models.NullBooleanField: ({}, True),
    models.PositiveBigIntegerField: ({}, 2**40),
    models.PositiveIntegerField: ({}, 5),
    models.PositiveSmallIntegerField: ({}, 5),
    models.SlugField: ({}, "a-b"),
    models.SmallIntegerField: ({}, -5),
    models.TextField: ({}, "lines\nof text"),
    models.TimeField: ({}, time(12, 30, 15, 123456)),
    models.URLField: ({}, "https://a.example/"),
    models.UUIDField: ({}, SOME_ID),
    JSONTextField: ({}, {"n": 1e22}),
}
# Tried by tests of their own below, or no columns.
ELSEWHERE = {
    models.AutoField,
    models.BigAutoField,
    models.SmallAutoField,
    models.ForeignKey,
    models.OneToOneField,
    models.GeneratedField,
    models.ManyToManyField,
    models.CompositePrimaryKey,
    models.OrderWrt,
    models.ForeignObject,
    RelatedField,
}
# Django has them for old migrations only, and gives them no column.
REMOVED = {models.CommaSeparatedIntegerField, models.IPAddressField, models.NullBooleanField}


def test_every_field_class_of_django_is_tried():
    def below(of: type) -> Iterator[type]:
        for each in of.__subclasses__():
            yield from (each, *below(each))

    djangos = {each for each in below(Field) if each.__module__.startswith("django.db.models.")}
    assert file_fields.FileField in djangos
    assert djangos - PLAIN.keys() - ELSEWHERE == set()


@pytest.fixture
def table(db) -> Iterator[Callable[..., Any]]:
    """Make a table with these columns, gone at the end of the test, and return its model."""

    def make(**attributes: Any) -> Any:
        meta = type("Meta", (), {"app_label": "models_registry"})
        name = f"Sample{len(made)}"
        model: Any = type(
            name, (models.Model,), {"__module__": __name__, "Meta": meta} | attributes
        )
        made.append(model)
        # SQLite's editor refuses to be entered in the transaction that takes the table back.
        editor = connection.schema_editor()
        editor.deferred_sql = []
        statement, parameters = editor.table_sql(model)
        editor.execute(statement, parameters or None)
        return model

    made: list[Any] = []
    with isolate_apps("models_registry"):
        yield make


def stored(row: Any) -> tuple[Any, ...]:
    """Return what the database has of a row, but for its key."""
    columns = ", ".join(
        connection.ops.quote_name(field.column)
        for field in row._meta.concrete_fields
        if not field.primary_key
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {columns} FROM {row._meta.db_table} WHERE id = %s",
            [row._meta.pk.get_db_prep_save(row.pk, connection)],
        )
        return cursor.fetchone()


def shown(row: Any) -> dict[str, Any]:
    return {
        field.attname: getattr(row, field.attname)
        for field in row._meta.concrete_fields
        if not field.primary_key
    }


def hold_to_save(model: Any, **values: Any) -> None:
    """Insert, update and read rows here and by the ORM, and expect the same of both."""
    ours, djangos, together = (model(**values) for _ in range(3))
    rows.insert(ours)
    djangos.save(force_insert=True)
    rows.write(together, model(**values))
    together = model.objects.order_by("-pk")[1]

    assert stored(ours) == stored(djangos) == stored(together)
    after_save = shown(djangos)
    djangos.refresh_from_db()
    assert shown(together) == shown(djangos)
    # What the database made of a value is read back, as Django does from 6.0 on.
    assert shown(ours) in (after_save, shown(djangos))
    assert (ours._state.adding, ours._state.db) == (False, "default")

    found = rows.read(model, "WHERE id = %s", [djangos.pk])
    assert shown(found) == shown(djangos)
    rows.update(found)
    model.objects.get(pk=djangos.pk).save(force_update=True)
    assert stored(ours) == stored(found) == stored(djangos)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("kind", [kind for kind in PLAIN if kind not in REMOVED])
@pytest.mark.parametrize("null", [False, True])
def test_a_field_of_every_kind(table, kind, null):
    options, value = PLAIN[kind]
    model = table(id=models.BigAutoField(primary_key=True), value=kind(null=null, **options))
    hold_to_save(model, value=None if null else value)


@pytest.mark.parametrize("kind", [models.AutoField, models.BigAutoField, models.SmallAutoField])
def test_a_key_that_the_database_makes(table, kind):
    model = table(id=kind(primary_key=True), value=models.IntegerField())
    hold_to_save(model, value=1)

    given = model(id=900, value=1)
    rows.insert(given)
    assert model.objects.get(pk=900).value == 1


def test_a_key_with_a_default(table):
    model = table(id=models.UUIDField(primary_key=True, default=uuid.uuid4))
    row = model(id=None)
    rows.insert(row)
    assert model.objects.get(pk=row.pk) == row


def test_a_column_of_another_name(table):
    model = table(
        id=models.BigAutoField(primary_key=True),
        value=models.IntegerField(db_column='Two "Words'.replace('"', "")),
    )
    hold_to_save(model, value=3)
    row = model.objects.first()
    assert rows.change(model, {"value": 4}, Sql("id = %s", (row.pk,))).value == 4


def test_a_reference(table):
    target = table(id=models.BigAutoField(primary_key=True), value=models.IntegerField(null=True))
    model = table(
        id=models.BigAutoField(primary_key=True),
        many=models.ForeignKey(target, models.CASCADE, related_name="+", null=True),
        one=models.OneToOneField(target, models.CASCADE, related_name="+", null=True),
    )
    hold_to_save(model, many=target.objects.create())
    hold_to_save(model, one=None)


def test_a_reference_to_a_row_that_was_saved_since(table):
    target = table(id=models.BigAutoField(primary_key=True), value=models.IntegerField(null=True))
    model = table(
        id=models.BigAutoField(primary_key=True),
        other=models.ForeignKey(target, models.CASCADE, related_name="+"),
    )
    row = model(other=target())
    with pytest.raises(ValueError, match="unsaved related object"):
        rows.insert(row)
    rows.insert(row.other)
    rows.insert(row)
    assert model.objects.get().other_id == row.other.pk


@pytest.mark.parametrize(
    ("kind", "options", "default"),
    [
        (models.CharField, {"max_length": 9}, Value("new")),
        (models.IntegerField, {}, 5),
        (models.DateTimeField, {}, Value(MOMENT)),
        (models.JSONField, {}, {"a": 1}),
        (JSONTextField, {}, Value("[]", models.TextField())),
    ],
)
def test_a_default_of_the_database(table, kind, options, default):
    model = table(
        id=models.BigAutoField(primary_key=True),
        value=kind(db_default=default, **options),
        other=models.IntegerField(default=1, db_default=2),
    )
    hold_to_save(model)

    together = model(id=900)
    rows.write(together, model())
    assert shown(together) == shown(model.objects.get(pk=900))


def test_times_that_the_field_keeps(table):
    model = table(
        id=models.BigAutoField(primary_key=True),
        made=models.DateTimeField(auto_now_add=True),
        changed=models.DateTimeField(auto_now=True),
        day=models.DateField(auto_now=True),
    )
    row = model()
    rows.insert(row)
    made = row.made
    rows.update(row)

    again = model.objects.get()
    assert shown(again) == shown(row)
    assert again.made == made < again.changed


def test_a_time_without_a_zone_is_told_of_as_by_save(table):
    model = table(id=models.BigAutoField(primary_key=True), value=models.DateTimeField())
    with pytest.raises(RuntimeWarning, match="naive datetime"):
        rows.insert(model(value=MOMENT.replace(tzinfo=None)))


def test_a_column_that_the_database_computes(table):
    model = table(
        id=models.BigAutoField(primary_key=True),
        name=models.CharField(max_length=9),
        small=models.GeneratedField(
            expression=Lower("name"), output_field=models.CharField(max_length=9), db_persist=True
        ),
    )
    hold_to_save(model, name="ONE")
    row = model(name="ONE")
    rows.insert(row)
    assert row.small == "one"
    row.name = "TWO"
    rows.update(row)
    assert row.small == "two"


def test_expressions(table):
    model = table(
        id=models.BigAutoField(primary_key=True),
        number=models.IntegerField(),
        at=models.DateTimeField(null=True),
    )
    row = model(number=Value(1) + Value(1), at=Now())
    rows.insert(row)
    assert (row.number, type(row.at)) == (2, datetime)

    row.number = F("number") + 1
    rows.update(row)
    assert row.number == model.objects.get().number == 3

    with pytest.raises(ValueError, match="can only be used to update, not to insert"):
        rows.insert(model(number=F("number")))
    with pytest.raises(TypeError, match="not an expression"):
        rows.change(model, {"number": F("number")}, Sql("id = %s", (row.pk,)))


def test_what_the_database_chose_for_one_of_several_rows_is_read_when_asked_for(table):
    model = table(id=models.IntegerField(primary_key=True), at=models.DateTimeField())
    one, other = model(id=1, at=Now()), model(id=2, at=MOMENT)
    rows.write(one, other)
    with CaptureQueriesContext(connection) as captured:
        assert one.at == model.objects.get(pk=1).at
        assert other.at == MOMENT
    assert len(captured) == 2


def test_of_a_row_only_the_columns_that_were_read_are_written(table):
    model = table(
        id=models.BigAutoField(primary_key=True),
        one=models.IntegerField(),
        two=models.IntegerField(),
    )
    row = model.objects.create(one=1, two=1)
    partly = model.objects.defer("two").get()
    model.objects.update(two=2)
    partly.one = 5
    rows.update(partly)
    row.refresh_from_db()
    assert (row.one, row.two) == (5, 2)


def test_a_row_that_is_not_there_is_not_updated(db):
    model = make_model()
    Model.objects.all().delete()
    with pytest.raises(DatabaseError):
        rows.update(model)


@pytest.mark.postgres
def test_fields_of_postgresql(table):
    from django.contrib.postgres import fields

    model = table(
        id=models.BigAutoField(primary_key=True),
        numbers=fields.ArrayField(models.IntegerField(), null=True),
        span=fields.IntegerRangeField(null=True),
    )
    hold_to_save(model, numbers=[1, 2], span=(1, 5))
    hold_to_save(model)


# --- Rows made of others ----------------------------------------------------------------------
def test_rows_inserted_by_a_query_have_the_defaults_of_new_ones(table):
    model = table(
        id=models.BigAutoField(primary_key=True),
        number=models.IntegerField(),
        by_python=models.CharField(max_length=9, null=True, default="python"),
        by_database=models.CharField(max_length=9, db_default="database"),
        changed=models.DateTimeField(auto_now=True),
        double=models.GeneratedField(
            expression=F("number") * 2, output_field=models.IntegerField(), db_persist=True
        ),
    )
    source = bulk.records("given", {"number": "int"}, [(1,), (2,)])
    assert bulk.insert_select(model(), {"number": Sql("given.number")}, source) == 2

    made = list(model.objects.order_by("number"))
    assert [(row.by_python, row.by_database, row.double) for row in made] == [
        ("python", "database", 2),
        ("python", "database", 4),
    ]
    assert made[0].changed


def test_values_with_line_breaks_are_not_handed_to_a_statement_as_several():
    if ON_POSTGRESQL:
        with pytest.raises(ValueError, match="line breaks"):
            bulk.records("given", {"text": "text"}, [("one\ntwo",)])
    else:
        assert bulk.records("given", {"text": "text"}, [("one\ntwo",)])


# --- Models of which save() does more ---------------------------------------------------------
def test_the_models_of_the_project_can_be_written_here():
    assert run_checks(tags=["models"]) == []


def test_a_model_with_a_save_of_its_own_is_refused_at_the_start(monkeypatch):
    monkeypatch.setattr(Model, "save", lambda self: None)
    (fault,) = run_checks(tags=["models"])
    assert fault.id == "modelpact.E003"
    assert fault.msg == (
        "Rows of models_registry.Model can't be written:"
        " it has a save() of its own, which would not be called."
    )


def test_a_model_whose_save_somebody_listens_to_is_refused():
    def listener(**_: Any) -> None: ...

    pre_save.connect(listener, sender=Model)
    try:
        (fault,) = rows.faults_of(Model)
    finally:
        pre_save.disconnect(listener, sender=Model)
    assert fault == "something listens to its pre_save, which would not be sent"


@isolate_apps("models_registry")
def test_a_model_whose_table_save_alone_can_fill_is_refused():
    class Parent(models.Model):
        class Meta:
            app_label = "models_registry"

    class Child(Parent):
        class Meta:
            app_label = "models_registry"
            order_with_respect_to = "parent_ptr"

    class Pair(models.Model):
        pk = models.CompositePrimaryKey("one", "two")
        one = models.IntegerField()
        two = models.IntegerField()

        class Meta:
            app_label = "models_registry"

    class Empty(models.Model):
        class Meta:
            app_label = "models_registry"

    assert len(list(rows.faults_of(Empty))) == 1
    assert len(list(rows.faults_of(Child))) == 2
    assert len(list(rows.faults_of(Pair))) == 1
