"""The call of Lambda: what each answer means for the job (F10), through the real boto3."""

from __future__ import annotations

import socket

import botocore.session
import orjson
import pytest

from models_registry.handlers import Accepted, Answered, Failed, Retry, Unknown, handler_for
from models_registry.handlers.lambda_errors import LASTING, PASSING
from tests.faulty_lambda import FaultyLambda

ARN = "arn:aws:lambda:us-west-2:123456789012:function:train"
EVENT = b'{"job_id": "j"}'


@pytest.fixture
def faulty(settings):
    with FaultyLambda() as fake:
        settings.LAMBDA_ENDPOINT_URL = fake.url
        settings.LAMBDA_SYNC_READ_TIMEOUT_SECONDS = 1
        settings.LAMBDA_EVENT_READ_TIMEOUT_SECONDS = 1
        yield fake


def _call(job_type: str = "inference", event: bytes = EVENT, **handler):
    handler = {"type": "lambda", "arn": ARN, **handler}
    return handler_for("lambda").invoke(handler=handler, event=event, job_type=job_type)


def test_an_event_is_accepted_and_called_back(faulty):
    assert isinstance(_call("training"), Accepted)
    assert faulty.calls[0]["kind"] == "Event"


def test_what_a_waited_for_call_returns_is_the_output(faulty):
    assert _call() == Answered({"predictions": []})
    assert faulty.calls[0]["kind"] == "RequestResponse"


def test_the_invocation_type_of_each_action_is_a_setting(settings, faulty):
    settings.LAMBDA_INVOCATION_TYPES = {"training": "RequestResponse", "inference": "Event"}

    assert isinstance(_call("training"), Answered)
    assert isinstance(_call("inference"), Accepted)


@pytest.mark.parametrize(
    "handler", [{"version": "3"}, {"arn": f"{ARN}:3"}, {"arn": f"{ARN}:3", "version": "3"}]
)
def test_the_qualifier_is_sent_apart_from_the_name(faulty, handler):
    _call(**handler)

    assert faulty.calls[0]["path"].endswith("%3Afunction%3Atrain/invocations?Qualifier=3")


def test_a_function_error_is_a_failure_with_lambdas_own_words(faulty):
    faulty.mode = "function_error"

    outcome = _call()
    assert isinstance(outcome, Failed)
    assert outcome.error == {
        "code": "lambda_function_error",
        "message": f"{ARN} failed.",
        "type": "ValueError",
        "details": "no data",
    }


@pytest.mark.parametrize(
    ("payload", "error_type", "details"),
    [
        (b'{"errorType": "E", "errorMessage": "half \\ud800 pair"}', "E", "half \ufffd pair"),
        (b'{"errorType": "E", "errorMessage": "nul \\u0000"}', "E", "nul \ufffd"),
        (b'{"errorType": "E", "errorMessage": "m", "errorType": "F", "n": NaN}', "F", "m"),
        (b'{"errorMessage": "%s"}' % (b"x" * 3000), "Unknown", "x" * 2000),
        (b"not JSON \xff", "Unknown", "not JSON \ufffd"),
        (b"[" * 100_000, "Unknown", "[" * 2000),
        (b"", "Unknown", ""),
    ],
)
def test_what_explains_a_failure_is_not_held_to_the_rules_for_outputs(
    faulty, payload, error_type, details
):
    faulty.mode, faulty.function_error = "function_error", payload

    outcome = _call()
    assert isinstance(outcome, Failed)
    said = (outcome.error["code"], outcome.error["type"], outcome.error["details"])
    assert said == ("lambda_function_error", error_type, details)
    assert orjson.dumps(outcome.error), "a row can hold it"


def test_which_limit_throttled_a_call_is_kept(faulty):
    """F10: "429 (Reason kept)"."""
    reason = "ReservedFunctionConcurrentInvocationLimitExceeded"
    faulty.mode = (429, "TooManyRequestsException", orjson.dumps({"Reason": reason}))

    assert _call().error["reason"] == reason


@pytest.mark.parametrize(
    ("status", "name", "is_throttled"),
    [
        (429, "TooManyRequestsException", True),
        (429, "NewInNextYearsLambda", True),
        (502, "EC2ThrottledException", True),
        (500, "ServiceException", False),
        (502, "ENILimitReachedException", False),
    ],
)
def test_no_room_for_a_call_is_told_from_a_function_that_is_away(
    faulty, status, name, is_throttled
):
    faulty.mode = (status, name, b"{}")
    outcome = _call()

    assert isinstance(outcome, Retry)
    assert outcome.throttled is is_throttled
    assert (outcome.error["code"] == "lambda_throttled") is is_throttled


def test_lambdas_words_on_a_refusal_can_be_stored(faulty):
    faulty.mode = (404, "ResourceNotFoundException", b'{"Message": "a \\ud800 \\u0000"}')

    assert orjson.loads(orjson.dumps(_call().error))["details"] == "a \ufffd \ufffd"


def test_no_event_is_sent_on_a_connection_kept_from_another(faulty):
    """One that died unseen would be an unknown outcome, which lasts until the deadline."""
    for _ in range(3):
        assert isinstance(_call("training"), Accepted)

    assert len({call["connection"] for call in faulty.calls}) == 3


def test_every_error_that_botocore_knows_of_invoke_is_mapped_once():
    """A new one in the model of the API fails here, and not in production."""
    service = botocore.session.get_session().get_service_model("lambda")
    known = {shape.name for shape in service.operation_model("Invoke").error_shapes}

    assert known - set(PASSING) - set(LASTING) == set()
    assert set(PASSING) & set(LASTING) == set()


@pytest.mark.parametrize("name", sorted(PASSING))
def test_what_may_pass_is_tried_again(faulty, name):
    faulty.mode = (429 if "TooMany" in name else 503, name, b'{"Message": "later"}')

    outcome = _call("training")
    assert isinstance(outcome, Retry)
    assert outcome.error["code"] == PASSING[name]
    assert ARN in outcome.error["message"]
    assert len(faulty.calls) == 1, "boto3 tries nothing again by itself"


@pytest.mark.parametrize("name", sorted(LASTING))
def test_what_will_not_pass_fails_at_once_and_names_the_arn(faulty, name):
    faulty.mode = (400, name, b'{"Message": "never"}')

    outcome = _call("training")
    assert isinstance(outcome, Failed)
    assert outcome.error["code"] == LASTING[name]
    assert ARN in outcome.error["message"]
    assert len(faulty.calls) == 1


@pytest.mark.parametrize("handler", [{"version": "9"}, {"arn": f"{ARN}:9"}])
def test_the_arn_that_is_named_is_the_one_that_was_called(faulty, handler):
    """With its qualifier: often that is what there is not."""
    faulty.mode = (404, "ResourceNotFoundException", b"{}")

    assert _call(**handler).error["message"] == f"Lambda refused the call of {ARN}:9 (404)."


@pytest.mark.parametrize(
    ("status", "kind"), [(500, Retry), (503, Retry), (429, Retry), (418, Failed), (403, Failed)]
)
def test_an_error_nobody_knows_is_judged_by_its_status(faulty, status, kind):
    faulty.mode = (status, "NovelException", b"<html>what</html>")

    assert isinstance(_call(), kind)


@pytest.mark.parametrize("mode", ["reset", "half", "hang"])
def test_after_sending_no_answer_means_unknown_and_no_second_call(faulty, mode):
    """ "Unknown" is not "failed": the handler may be running."""
    faulty.mode = mode
    faulty.hang_seconds = 1.5

    outcome = _call()
    assert isinstance(outcome, Unknown)
    assert outcome.error["code"] == "lambda_no_answer"
    assert len(faulty.calls) == 1


def test_a_refused_connection_is_tried_again(settings):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        settings.LAMBDA_ENDPOINT_URL = f"http://127.0.0.1:{unused.getsockname()[1]}"

        outcome = _call()
    assert isinstance(outcome, Retry)
    assert outcome.error["code"] == "lambda_unreachable"


@pytest.mark.parametrize(
    "output", [None, [], "text", 7, {"a": float("nan")}, {"a": "\0"}, {"a": "\ud800"}]
)
def test_what_can_not_be_an_output_fails_the_job(faulty, output):
    faulty.output = output

    outcome = _call()
    assert isinstance(outcome, Failed)
    assert outcome.error["code"] == "lambda_bad_output"


def test_what_of_an_output_is_wrong_is_said_with_its_place(faulty):
    faulty.output = {"a": [1, float("nan")], "b": "\0"}

    details = _call().error["details"]
    assert details.split("; ") == [
        "/a/1: NaN is not JSON.",
        "/b: The text holds U+0000 or half a surrogate pair.",
    ]


@pytest.mark.parametrize(("job_type", "kib"), [("training", 900), ("inference", 6 * 1024 - 64)])
def test_the_limit_of_the_invocation_type_is_checked_before_the_call(faulty, job_type, kib):
    def event(size: int) -> bytes:
        return b'{"job_id": "' + b"x" * (size - 14) + b'"}'

    assert not isinstance(_call(job_type, event(kib * 1024)), Failed)
    outcome = _call(job_type, event(kib * 1024 + 1))

    assert isinstance(outcome, Failed)
    assert outcome.error["code"] == "event_too_large"
    assert len(faulty.calls) == 1


def test_a_function_taken_off_the_allow_list_is_not_called(settings, faulty):
    settings.LAMBDA_ACCOUNTS = []

    assert _call().error["code"] == "function_not_allowed"
    assert faulty.calls == []
