"""The staff's groups: who may look, who may operate, who may change."""

from __future__ import annotations

from typing import Any

from django.db import migrations

VIEW = (
    "admin.view_logentry",
    "models_registry.view_model",
    "models_registry.view_modelversion",
    "models_registry.view_job",
    "models_registry.view_auditentry",
    "subscriptions.view_eventsubscription",
    "subscriptions.view_trigger",
    "subscriptions.view_revalidation",
)
# Starting and stopping work that was foreseen.
OPERATE = (
    "models_registry.operate_modelversion",
    "models_registry.operate_job",
    "subscriptions.operate_eventsubscription",
)
# Changing what runs: which version is current, which contract is accepted.
CHANGE = (
    "models_registry.change_model",
    "models_registry.change_modelversion",
    "subscriptions.change_eventsubscription",
)
GROUPS = {
    "Modelpact viewers": VIEW,
    "Modelpact operators": VIEW + OPERATE,
    "Modelpact managers": VIEW + OPERATE + CHANGE,
}


def make_groups(apps: Any, schema_editor: Any = None) -> None:
    """Make the groups, and what they may do; what is there already is left as it is."""
    group_model = apps.get_model("auth", "Group")
    for name, granted in GROUPS.items():
        group, _ = group_model.objects.get_or_create(name=name)
        group.permissions.add(*[_permission(apps, each) for each in granted])


def _permission(apps: Any, name: str) -> Any:
    """Return a permission; Django itself makes its own only after all migrations."""
    app, codename = name.split(".")
    verb, model = codename.split("_")
    content_type, _ = apps.get_model("contenttypes", "ContentType").objects.get_or_create(
        app_label=app, model=model
    )
    verbose = {
        "modelversion": "model version",
        "logentry": "log entry",
        "auditentry": "audit entry",
    }
    title = {"eventsubscription": "event subscription", **verbose}.get(model, model)
    permission, _ = apps.get_model("auth", "Permission").objects.get_or_create(
        content_type=content_type,
        codename=codename,
        defaults={"name": f"Can {verb} {title}"},
    )
    return permission


class Migration(migrations.Migration):
    dependencies = [
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
        ("models_registry", "0001_initial"),
        ("subscriptions", "0001_initial"),
    ]

    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
