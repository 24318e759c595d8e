"""The local Lambda endpoint, asked by the real boto3 client."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from config.embedded.lambda_endpoint import LambdaEndpoint

SOURCE = """
import time

def handler(event, context):
    if event == "raise":
        raise ValueError("no data")
    if event == "set":
        return {1, 2}
    if event == "slow":
        time.sleep(1.5)
    if event == "context":
        return {
            "name": context.function_name,
            "version": context.function_version,
            "arn": context.invoked_function_arn,
            "id": len(context.aws_request_id),
            "left": context.get_remaining_time_in_millis() > 0,
        }
    return {"echo": event}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "my_echo.py").write_text(SOURCE)
    return tmp_path


@pytest.fixture
def client(folder: Path):
    with LambdaEndpoint(folder, concurrency=1, timeout_seconds=1) as endpoint:
        yield _client(endpoint)


def _client(endpoint: LambdaEndpoint):
    return boto3.session.Session().client(
        "lambda",
        region_name="us-west-2",
        endpoint_url=endpoint.url,
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"total_max_attempts": 1}, read_timeout=10),
    )


def _invoke(client, event, **arguments):
    arguments = {"FunctionName": "my-echo", "Payload": json.dumps(event), **arguments}
    return client.invoke(**arguments)


@pytest.mark.parametrize(
    "name",
    [
        "my-echo",
        "my_echo",
        "123456789012:function:my-echo",
        "arn:aws:lambda:us-west-2:123456789012:function:my-echo",
        "arn:aws:lambda:us-west-2:123456789012:function:my-echo:live",
    ],
)
def test_a_function_is_called_by_name_partial_or_whole_arn(client, name):
    response = _invoke(client, {"a": 1}, FunctionName=name)

    assert json.loads(response["Payload"].read()) == {"echo": {"a": 1}}
    assert (response["StatusCode"], response["ExecutedVersion"]) == (200, "$LATEST")
    assert response["ResponseMetadata"]["RequestId"]


def test_a_numbered_qualifier_is_the_executed_version(client):
    assert _invoke(client, {}, Qualifier="7")["ExecutedVersion"] == "7"
    assert _invoke(client, {}, Qualifier="live")["ExecutedVersion"] == "$LATEST"


def test_the_context_is_what_lambda_gives(client):
    told = json.loads(_invoke(client, "context")["Payload"].read())

    assert told == {
        "name": "my-echo",
        "version": "$LATEST",
        "arn": "arn:aws:lambda:us-west-2:123456789012:function:my-echo",
        "id": 36,
        "left": True,
    }


@pytest.mark.parametrize(
    ("event", "error_type"),
    [("raise", "ValueError"), ("set", "Runtime.MarshalError"), ("slow", "Sandbox.Timedout")],
)
def test_a_failing_function_is_a_200_with_a_function_error(client, event, error_type):
    response = _invoke(client, event)

    assert (response["StatusCode"], response["FunctionError"]) == (200, "Unhandled")
    assert json.loads(response["Payload"].read())["errorType"] == error_type


def test_an_event_is_accepted_and_run_in_the_background(folder, client):
    (folder / "mark.py").write_text(
        "from pathlib import Path\ndef handler(event, context):\n    Path(event['path']).touch()\n"
    )
    done = folder / "done"
    event = {"path": str(done)}
    response = _invoke(client, event, FunctionName="mark", InvocationType="Event")

    assert response["StatusCode"] == 202
    assert _eventually(done.exists)


def test_an_event_whose_function_fails_is_tried_twice_again(folder, client):
    (folder / "count.py").write_text(
        "def handler(event, context):\n"
        "    with open(event['path'], 'a') as file:\n"
        "        file.write('x')\n"
        "    raise RuntimeError\n"
    )
    calls = folder / "calls"
    event = {"path": str(calls)}
    _invoke(client, event, FunctionName="count", InvocationType="Event")

    assert _eventually(lambda: calls.exists() and calls.read_text() == "xxx")


def test_a_dry_run_runs_nothing(client):
    assert _invoke(client, "raise", InvocationType="DryRun")["StatusCode"] == 204


@pytest.mark.parametrize("name", ["nobody", "_norris"])
def test_an_unknown_function_is_404_as_aws_words_it(client, name):
    with pytest.raises(ClientError) as raised:
        _invoke(client, {}, FunctionName=name)

    error = raised.value.response["Error"]
    assert error["Code"] == "ResourceNotFoundException"
    assert error["Message"].startswith("Function not found: arn:aws:lambda:")


def test_a_body_that_is_not_json_is_400(client):
    with pytest.raises(ClientError) as raised:
        _invoke(client, {}, Payload=b"{")

    assert raised.value.response["Error"]["Code"] == "InvalidRequestContentException"


def test_an_event_over_its_limit_is_413(client):
    with pytest.raises(ClientError) as raised:
        _invoke(client, "x" * 1024 * 1024, InvocationType="Event")

    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413


def test_more_calls_at_once_than_it_takes_are_throttled(client):
    slow = threading.Thread(target=lambda: _invoke(client, "slow"))
    slow.start()
    try:
        assert _eventually(lambda: _is_throttled(client))
    finally:
        slow.join()


def test_a_changed_file_is_loaded_anew(folder, client):
    _invoke(client, {})
    (folder / "my_echo.py").write_text("def handler(event, context):\n    return 'new'\n")

    assert json.loads(_invoke(client, {})["Payload"].read()) == "new"


def _is_throttled(client) -> bool:
    try:
        _invoke(client, {})
    except ClientError as error:
        said = error.response
        return (said["Error"]["Code"], said["Reason"]) == (
            "TooManyRequestsException",
            "ConcurrentInvocationLimitExceeded",
        )
    return False


def _eventually(is_so, seconds: float = 15) -> bool:
    pause = threading.Event()
    for _ in range(int(seconds * 50)):
        if is_so():
            return True
        pause.wait(0.02)
    return False
