"""What an id in a path may be (H14, H30): anything else is 400 in the envelope."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from django.test import Client

from models_registry.api.paths import check_path

pytestmark = pytest.mark.urls("tests.config.urls_for_edge")

JOB = "018f2f6e-7b1c-7cc3-8a5e-0123456789ab"


@pytest.mark.parametrize(
    "model_id",
    ["a", "7", "model_price_reco_v1", "A.b-c_9", "x" * 128, "1.0..2", JOB],
)
def test_an_id_of_the_grammar_passes(model_id: str) -> None:
    response = Client().get(f"/v2/models/{model_id}")
    assert response.json() == {"model_id": model_id}


@pytest.mark.parametrize(
    "model_id",
    ["%00", "a%00", "a%0A", "%0Aa", "a%0D%0Ab", "a%09", "%20", "a%20b", "a%3Bb", "a%3Fb", "a%23",
     ".a", "-a", "_a", "..", "%2E%2E", "a%25b", "%25FF%25FE", "%FF%FE", "a%5Cb", "a:b", "a@b",
     "a,b", "{a}", "*", "x" * 129, "x" * 300, quote("é"), quote("日本"), "%EF%BD%81%EF%BD%82",
     "a%EF%BC%8Eb", quote("😀"), quote("١٢"), quote("a\u202eb"), quote("a\u200bb"),
     quote("ﬀ"), quote("a\u0301")],
)  # fmt: skip
def test_any_other_id_is_400(model_id: str) -> None:
    """Owed: "400 ... bad path parameter"."""
    response = Client().get(f"/v2/models/{model_id}")
    assert response.status_code == 400
    body = response.json()
    assert body["code"] == "invalid_path_parameter"
    assert [error["path"] for error in body["errors"]] == [""]
    assert "'model_id'" in body["errors"][0]["message"]


@pytest.mark.parametrize(
    "path", ["/v2/models/a/b", "/v2/models/a%2Fb", "/v2/models/../x", "/v2/models//"]
)
def test_a_slash_makes_another_path(path: str) -> None:
    response = Client().get(path)
    assert response.status_code == 404
    assert response.json()["code"] == "not_found"


@pytest.mark.parametrize("job_id", [JOB, JOB.upper()])
def test_a_uuid_in_either_case_passes(job_id: str) -> None:
    assert Client().get(f"/v2/models/m/versions/1/jobs/{job_id}").status_code == 200


@pytest.mark.parametrize(
    "job_id",
    ["1", JOB.replace("-", ""), f"%7B{JOB}%7D", f"urn:uuid:{JOB}", f"{JOB}%0A", f"%20{JOB}",
     JOB.replace("0", "%EF%BC%90"), JOB[:-1], f"{JOB}0", JOB.replace("a", "g")],
)  # fmt: skip
def test_other_spellings_of_a_uuid_are_400(job_id: str) -> None:
    """`uuid.UUID` would take the first four; then one job had several addresses."""
    response = Client().get(f"/v2/models/m/versions/1/jobs/{job_id}")
    assert response.status_code == 400
    assert "'job_id'" in response.json()["errors"][0]["message"]


def test_every_bad_parameter_is_named() -> None:
    """API page: "all faults at once"."""
    response = Client().get("/v2/models/%20/versions/%00/jobs/x")
    named = [error["message"].split("'")[1] for error in response.json()["errors"]]
    assert named == ["model_id", "model_version", "job_id"]


def test_a_parameter_without_a_grammar_is_a_mistake_in_the_code() -> None:
    with pytest.raises(KeyError):
        check_path({"anything": "a"})
