"""The handler's shape: the ARN's grammar, qualifiers and the allow-lists (H13)."""

from __future__ import annotations

import botocore.session
import pytest

from models_registry.handlers import check_handler
from models_registry.handlers.arns import parse_arn

GOOD = "arn:aws:lambda:us-west-2:123456789012:function:train"


@pytest.mark.parametrize(
    "arn",
    [
        GOOD,
        f"{GOOD}:1",
        f"{GOOD}:live",
        f"{GOOD}:$LATEST",
        "arn:aws-cn:lambda:cn-north-1:123456789012:function:train",
        "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:train:1",
        "arn:aws-iso-b:lambda:us-isob-east-1:123456789012:function:train",
        "arn:aws-eusc:lambda:eusc-de-east-1:123456789012:function:train",
        f"{GOOD}:{'q' * 128}",
        f"arn:aws:lambda:us-west-2:123456789012:function:{'n' * 64}",
    ],
)
def test_a_functions_arn_is_taken_in_every_partition_with_and_without_a_qualifier(arn):
    assert check_handler({"type": "lambda", "arn": arn}) == ([], [])


def test_every_region_that_botocore_knows_is_taken_in_its_partition():
    session = botocore.session.get_session()
    arns = [
        f"arn:{partition}:lambda:{region}:123456789012:function:train"
        for partition in session.get_available_partitions()
        for region in session.get_available_regions("lambda", partition)
    ]

    assert len(arns) > 30
    assert [arn for arn in arns if parse_arn(arn) is None] == []


@pytest.mark.parametrize(
    "arn",
    [
        "",
        "train",
        "123456789012:function:train",
        f"{GOOD}\n",
        f" {GOOD}",
        f"{GOOD}:",
        f"{GOOD}:1:2",
        f"{GOOD}:$OLDEST",
        f"{GOOD}/../other",
        f"{GOOD}?Qualifier=evil",
        f"{GOOD}\r\nHost: evil",
        "arn:aws:lambda:us-west-2:123456789012:function:",
        "arn:aws:lambda:us-west-2:12345678901:function:train",
        "arn:aws:lambda:us-west-2:1234567890123:function:train",
        "arn:aws:lambda:us-west-2:١٢٣٤٥٦٧٨٩٠١٢:function:train",
        "arn:aws:lambda::123456789012:function:train",
        "arn:aws:lambda:nowhere:123456789012:function:train",
        "arn:aws:lambda:us-west-22:123456789012:function:train",
        "arn:aws:lambda:us-west-2:123456789012:layer:train",
        "arn:aws:s3:::bucket",
        "arn:AWS:lambda:us-west-2:123456789012:function:train",
        f"arn:aws:lambda:us-west-2:123456789012:function:{'n' * 65}",
        f"{GOOD}:{'q' * 129}",
        f"{GOOD}:{'q' * 256}",
        "arn:aws:lambda:us-west-2:123456789012:function:träin",
    ],
)
def test_what_is_no_functions_arn_is_malformed(arn):
    (fault,), refused = check_handler({"type": "lambda", "arn": arn})

    assert (fault.path, refused) == ("/arn", [])


@pytest.mark.parametrize(
    ("handler", "path"),
    [
        (None, ""),
        ("lambda", ""),
        ([], ""),
        ({}, "/type"),
        ({"type": "ecs_task", "value": "cluster/family"}, "/type"),
        ({"type": "in_process", "value": "name"}, "/type"),
        ({"type": ["lambda"], "arn": GOOD}, "/type"),
        ({"type": "lambda"}, "/arn"),
        ({"type": "lambda", "arn": 7}, "/arn"),
        ({"type": "lambda", "arn": GOOD, "version": 1}, "/version"),
        ({"type": "lambda", "arn": GOOD, "version": ""}, "/version"),
        ({"type": "lambda", "arn": GOOD, "version": None}, "/version"),
        ({"type": "lambda", "arn": GOOD, "version": "a b"}, "/version"),
        ({"type": "lambda", "arn": GOOD, "endpoint_url": "http://evil"}, "/endpoint_url"),
    ],
)
def test_each_malformed_handler_is_pointed_at(handler, path):
    (fault,), refused = check_handler(handler)

    assert (fault.path, refused) == (path, [])


def test_all_that_is_malformed_is_said_at_once():
    malformed, _ = check_handler({"type": "lambda", "arn": 1, "version": 2, "extra": 3})

    assert {fault.path for fault in malformed} == {"/arn", "/version", "/extra"}


def test_a_version_and_an_arns_qualifier_that_disagree_are_refused():
    handler = {"type": "lambda", "arn": f"{GOOD}:live", "version": "1"}
    malformed, (fault,) = check_handler(handler)

    assert (malformed, fault.path) == ([], "/version")
    assert check_handler({**handler, "version": "live"}) == ([], [])


@pytest.mark.parametrize(
    ("setting", "value", "allowed"),
    [
        ("LAMBDA_ACCOUNTS", ["999999999999"], False),
        ("LAMBDA_ACCOUNTS", [], False),
        ("LAMBDA_ACCOUNTS", ["*"], True),
        ("LAMBDA_REGIONS", ["eu-central-1"], False),
        ("LAMBDA_REGIONS", ["us-west-2"], True),
        ("LAMBDA_NAME_PREFIX", "ml-", False),
        ("LAMBDA_NAME_PREFIX", "tr", True),
    ],
)
def test_only_functions_on_the_allow_lists_are_taken(settings, setting, value, allowed):
    setattr(settings, setting, value)
    malformed, refused = check_handler({"type": "lambda", "arn": GOOD})

    assert malformed == []
    assert (refused == []) is allowed


def test_an_arn_comes_apart_into_what_boto3_needs():
    arn = parse_arn(f"{GOOD}:live")

    assert (arn.region, arn.qualifier, arn.unqualified) == ("us-west-2", "live", GOOD)
