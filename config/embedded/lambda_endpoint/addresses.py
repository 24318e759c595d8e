"""What an Invoke's path names: a function, by name or ARN, and one of its versions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

from config.embedded.lambda_endpoint.refusals import Refused

PATH = re.compile(r"/2015-03-31/functions/([^/]+)/invocations")
# A name, a partial ARN or a whole one, each with or without a qualifier.
FUNCTION = re.compile(
    r"(?:arn:(?P<partition>aws[a-z-]*):lambda:(?P<region>[a-z0-9-]+):)?(?:(?P<account>[0-9]{12}):)?"
    r"(?:function:)?(?P<name>[A-Za-z0-9_-]{1,64})(?::(?P<qualifier>\$LATEST|[A-Za-z0-9_-]{1,128}))?"
)


@dataclass(frozen=True)
class Address:
    """A function and the qualifier it was called with, if any."""

    name: str
    qualifier: str | None
    partition: str
    region: str
    account: str

    @property
    def arn(self) -> str:
        """The ARN as it was called, with what a bare name leaves out."""
        arn = f"arn:{self.partition}:lambda:{self.region}:{self.account}:function:{self.name}"
        return f"{arn}:{self.qualifier}" if self.qualifier else arn

    @property
    def version(self) -> str:
        """The version that runs; aliases are not kept here, so each stands for $LATEST."""
        is_number = self.qualifier is not None and self.qualifier.isdecimal()
        return self.qualifier if self.qualifier is not None and is_number else "$LATEST"


def read_address(target: str) -> Address:
    """Return what the target of a request names. Raises Refused when it names no function."""
    url = urlsplit(target)
    match = PATH.fullmatch(url.path)
    function = FUNCTION.fullmatch(unquote(match[1])) if match else None
    if function is None:
        raise Refused(400, "InvalidParameterValueException", "The request is not an Invoke.")
    (asked,) = parse_qs(url.query).get("Qualifier", [None])[:1]
    if asked and function["qualifier"] not in (None, asked):
        message = (
            "The derived qualifier from the function name does not match the specified qualifier."
        )
        raise Refused(400, "InvalidParameterValueException", message)
    return Address(
        name=function["name"],
        qualifier=asked or function["qualifier"],
        partition=function["partition"] or "aws",
        region=function["region"] or "us-west-2",
        account=function["account"] or "123456789012",
    )
