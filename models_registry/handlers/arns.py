"""ARNs of Lambda functions, and the allow-list of those that may be invoked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings

# AWS accepts bare names and partial ARNs as well; only the whole ARN names the account.
# Lengths and characters are those of the Lambda API's FunctionName and Qualifier.
ARN = re.compile(
    r"arn:(?P<partition>aws(?:-[a-z]+)*)"
    r":lambda:(?P<region>(?:eusc-)?[a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-[0-9])"
    r":(?P<account>[0-9]{12}):function:(?P<name>[A-Za-z0-9_-]{1,64})"
    r"(?::(?P<qualifier>\$LATEST|[A-Za-z0-9_-]{1,128}))?"
)
QUALIFIER = re.compile(r"\$LATEST|[A-Za-z0-9_-]{1,128}")
LENGTH_LIMIT = 256


@dataclass(frozen=True)
class FunctionArn:
    """The parts of a function's ARN; `qualifier` is None when it names no version or alias."""

    partition: str
    region: str
    account: str
    name: str
    qualifier: str | None

    @property
    def unqualified(self) -> str:
        return f"arn:{self.partition}:lambda:{self.region}:{self.account}:function:{self.name}"

    def __str__(self) -> str:
        return self.unqualified + (f":{self.qualifier}" if self.qualifier else "")


def parse_arn(text: str) -> FunctionArn | None:
    """Return the parts of a function's ARN; None if `text` is no such ARN."""
    return _parsed(text) if len(text) <= LENGTH_LIMIT else None


# A deployment has few functions, and each update names two of them twice.
@lru_cache(maxsize=1000)
def _parsed(text: str) -> FunctionArn | None:
    match = ARN.fullmatch(text)
    return FunctionArn(**match.groupdict()) if match else None


def refusals(arn: FunctionArn) -> list[str]:
    """Return why this service may not invoke a function; empty if it may.

    Without an allow-list, any caller who may write a model could make this service's role invoke
    any function that the role can reach (a confused deputy).
    """
    found = []
    if "*" not in settings.LAMBDA_ACCOUNTS and arn.account not in settings.LAMBDA_ACCOUNTS:
        found.append(f"Functions of account {arn.account} may not be invoked from here.")
    if settings.LAMBDA_REGIONS and arn.region not in settings.LAMBDA_REGIONS:
        found.append(f"Functions in {arn.region} may not be invoked from here.")
    if not arn.name.startswith(settings.LAMBDA_NAME_PREFIX):
        prefix = settings.LAMBDA_NAME_PREFIX
        found.append(f"Only functions whose name begins with '{prefix}' may be invoked from here.")
    return found
