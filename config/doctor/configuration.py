"""Whether the settings go together."""

from __future__ import annotations

from collections.abc import Iterator

from django.conf import settings
from django.core import checks

from config.doctor.findings import Finding, problem, warning, well

# Of the OpenAPI document, which is the project's and none of the deployment's.
NOT_OF_DEPLOYMENT = "drf_spectacular."


def examine() -> Iterator[Finding]:
    """Run Django's system checks, those for deployment too where this is one."""
    messages = [
        message
        for message in checks.run_checks(include_deployment_checks=not settings.EMBEDDED)
        if not (message.id or "").startswith(NOT_OF_DEPLOYMENT)
    ]
    for message in messages:
        finding = problem if message.is_serious(checks.ERROR) else warning
        advice = message.hint or "Change the setting; config/docs/settings.md says what it does."
        yield finding("configuration", f"{message.msg} ({message.id})", advice)
    if not settings.EMBEDDED:
        yield from _of_production()
    if not settings.LAMBDA_ACCOUNTS:
        yield problem(
            "configuration",
            "LAMBDA_ACCOUNTS is empty, so every function is refused.",
            "Set it to the AWS account ids whose functions may be invoked.",
        )
    if not messages:
        mode = "embedded" if settings.EMBEDDED else "production"
        yield well("configuration", f"The settings go together ({mode}).")


def _of_production() -> Iterator[Finding]:
    """Look at what is right on one machine and wrong between several."""
    if not settings.PUBLIC_URL.startswith("https://"):
        yield warning(
            "configuration",
            f"PUBLIC_URL is {settings.PUBLIC_URL}: outputs and callback tokens go there in clear.",
            "Set it to an https address that the functions reach.",
        )
    if settings.LAMBDA_ENDPOINT_URL:
        yield warning(
            "configuration",
            f"Functions are called at {settings.LAMBDA_ENDPOINT_URL}, not in AWS.",
            "Unset AWS_ENDPOINT_URL_LAMBDA, unless this is a test.",
        )
