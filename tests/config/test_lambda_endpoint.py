"""The local Lambda endpoint, asked by the real boto3 client."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import boto3
import pytest
import urllib3
from botocore.config import Config
from botocore.exceptions import ClientError

from config.embedded.lambda_endpoint import LambdaEndpoint

SOURCE = """
import time

def _nested():
    value = []
    for _ in range(100_000):
        value = [value]
    return value

def handler(event, context):
    if event == "raise":
        raise ValueError("no data")
    if event == "set":
        return {1, 2}
    if event == "exit":
        raise SystemExit(3)
    if event == "large":
        return "x" * 7 * 1024 * 1024
    if event == "deep":
        return _nested()
    if event == "slow":
        time.sleep(60)
    if event == "context":
        return {
            "name": context.function_name,
            "version": context.function_version,
            "arn": context.invoked_function_arn,
            "id": context.aws_request_id,
            "left": context.get_remaining_time_in_millis() > 0,
        }
    return {"echo": event}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "my_echo.py").write_text(SOURCE)
    return tmp_path


@pytest.fixture
def endpoint(folder: Path):
    # Each call starts a Python of its own, which takes a while where much else runs.
    with LambdaEndpoint(folder, concurrency=1, timeout_seconds=40) as endpoint:
        yield endpoint


@pytest.fixture
def client(endpoint: LambdaEndpoint):
    return _client(endpoint)


def _client(endpoint: LambdaEndpoint):
    return boto3.session.Session().client(
        "lambda",
        region_name="us-west-2",
        endpoint_url=endpoint.url,
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"total_max_attempts": 1}, read_timeout=50),
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
    arn = "arn:aws-cn:lambda:cn-north-1:999999999999:function:my-echo"
    response = _invoke(client, "context", FunctionName=arn, Qualifier="7")

    assert json.loads(response["Payload"].read()) == {
        "name": "my-echo",
        "version": "7",
        "arn": f"{arn}:7",
        "id": response["ResponseMetadata"]["RequestId"],
        "left": True,
    }


def test_a_qualifier_that_disagrees_with_the_names_is_400(client):
    with pytest.raises(ClientError) as raised:
        _invoke(client, {}, FunctionName="my-echo:1", Qualifier="2")

    assert raised.value.response["Error"]["Code"] == "InvalidParameterValueException"


def test_what_waits_for_a_place_has_its_whole_time_from_its_start(folder):
    """The third waits for three seconds of its six: had they counted, it would have less left."""
    (folder / "clock.py").write_text(
        "import time\n"
        "def handler(event, context):\n"
        "    with open(event['path'], 'a') as file:\n"
        "        print(context.get_remaining_time_in_millis(), file=file)\n"
        "    time.sleep(1.5)\n"
    )
    left = folder / "left"
    with LambdaEndpoint(folder, concurrency=1, timeout_seconds=6) as endpoint:
        client = _client(endpoint)
        for _ in range(3):
            _invoke(client, {"path": str(left)}, FunctionName="clock", InvocationType="Event")
        assert _eventually(lambda: left.exists() and len(left.read_text().split()) == 3)
    assert all(int(millis) > 3000 for millis in left.read_text().split())


@pytest.mark.parametrize(
    ("event", "error_type"),
    [
        ("raise", "ValueError"),
        ("exit", "SystemExit"),
        ("set", "Runtime.MarshalError"),
        ("deep", "Runtime.MarshalError"),
        ("large", "Function.ResponseSizeTooLarge"),
    ],
)
def test_a_failing_function_is_a_200_with_a_function_error(client, event, error_type):
    response = _invoke(client, event)

    assert (response["StatusCode"], response["FunctionError"]) == (200, "Unhandled")
    assert json.loads(response["Payload"].read())["errorType"] == error_type


def test_a_function_that_takes_too_long_is_ended(folder):
    with LambdaEndpoint(folder, concurrency=1, timeout_seconds=1) as endpoint:
        response = _invoke(_client(endpoint), "slow")

    assert (response["StatusCode"], response["FunctionError"]) == (200, "Unhandled")
    assert json.loads(response["Payload"].read())["errorType"] == "Sandbox.Timedout"


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


@pytest.mark.parametrize("payload", [b"{", b"\xff", b"[" * 100_000])
def test_a_body_that_is_not_json_is_400(client, payload):
    with pytest.raises(ClientError) as raised:
        _invoke(client, {}, Payload=payload)

    assert raised.value.response["Error"]["Code"] == "InvalidRequestContentException"


def test_an_event_over_its_limit_is_413(client):
    with pytest.raises(ClientError) as raised:
        _invoke(client, "x" * 1024 * 1024, InvocationType="Event")

    said = raised.value.response
    assert said["ResponseMetadata"]["HTTPStatusCode"] == 413
    assert said["Error"] == {
        "Code": "RequestEntityTooLargeException",
        "Message": "1048578 byte payload is too large for the Event invocation type"
        " (limit 1048576 bytes)",
    }


def test_a_call_that_nobody_signed_runs_nothing(endpoint):
    """A page in a browser can send such a request, but not one with this header."""
    url = f"{endpoint.url}/2015-03-31/functions/my-echo/invocations"
    response = urllib3.request("POST", url, body=b"{}")

    assert response.status == 403
    assert response.headers["x-amzn-ErrorType"] == "MissingAuthenticationTokenException"


def test_more_calls_at_once_than_it_takes_are_throttled(folder, client):
    (folder / "hold.py").write_text(
        "import time\n"
        "from pathlib import Path\n"
        "def handler(event, context):\n"
        "    Path(event['held']).touch()\n"
        "    while not Path(event['let_go']).exists():\n"
        "        time.sleep(0.01)\n"
    )
    held, let_go = folder / "held", folder / "let_go"
    event = {"held": str(held), "let_go": str(let_go)}
    holding = threading.Thread(target=lambda: _invoke(client, event, FunctionName="hold"))
    holding.start()
    try:
        assert _eventually(held.exists)
        assert _is_throttled(client)
    finally:
        let_go.touch()
        holding.join()
    assert _eventually(lambda: not _is_throttled(client))


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
