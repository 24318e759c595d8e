"""The sample functions really train and really predict, for any payload their contract admits."""

from __future__ import annotations

import importlib
import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import config.embedded

FOLDER = Path(config.embedded.__file__).parent / "functions"
# NIST's certified results for the Norris data set.
INTERCEPT, SLOPE = -0.262323073774029, 1.00211681802045


@pytest.fixture
def functions(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Import a function's module, with folders of its own and callbacks kept."""
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setenv("MODEL_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("TRAINING_DATA_DIR", str(tmp_path))
    for path in FOLDER.glob("*.py"):
        sys.modules.pop(path.stem, None)
    yield importlib.import_module
    for path in FOLDER.glob("*.py"):
        sys.modules.pop(path.stem, None)


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch, functions) -> list[dict[str, Any]]:
    kept: list[dict[str, Any]] = []
    monkeypatch.setattr(
        functions("train_model"), "report", lambda event, **outcome: kept.append(outcome)
    )
    return kept


def _event(**input: Any) -> dict[str, Any]:
    return {"job_id": "j", "model_id": "m", "model_version": "1", "input": input}


def test_an_empty_input_trains_on_nists_figures_to_nists_certified_results(functions, reports):
    output = functions("train_model").handler(_event(), None)

    assert output["intercept"] == pytest.approx(INTERCEPT, rel=1e-10)
    assert output["slope"] == pytest.approx(SLOPE, rel=1e-12)
    assert output["trained_on"] == "NIST Norris"
    assert reports == [{"status": "success", "output": output}]
    assert Path(output["model_path"]).is_file()


def test_inference_predicts_with_what_its_version_trained(functions, reports, tmp_path):
    (tmp_path / "doubles.csv").write_text("1,2\n2,4\n3,6\n")
    functions("train_model").handler(_event(data_path="doubles.csv"), None)

    answer = functions("infer_model").handler(_event(features=[10, 0.5]), None)
    assert answer["predictions"] == pytest.approx([20, 1])


@pytest.mark.parametrize(
    "data_path",
    ["", "no.csv", "../../etc/passwd", "s3://b/k", "a\0b", ".", "a" * 5000, "a/" * 5000, "\ud800"],
)
def test_a_path_without_figures_trains_on_the_shipped_ones(functions, data_path):
    assert functions("train_model").train(data_path)["trained_on"] == "NIST Norris"


def test_any_text_is_a_data_path_to_train_with(functions):
    train = functions("train_model").train

    @given(st.text())
    def check(data_path: str) -> None:
        assert train(data_path)["trained_on"] == "NIST Norris"

    check()


@pytest.mark.parametrize(
    "text",
    [
        "", "a,b\n", "1,2\n", "1,2\n1,3\n", "1\n", "1,2,3\n", "1,nan\n2,3\n", "1,inf\n2,3\n",
        "1e308,1e308\n-1e308,2\n1e308,7\n", "1,2\0\n2,3\n", f"1,{'9' * 200_000}\n",
    ],
)  # fmt: skip
def test_a_file_no_line_fits_trains_on_the_shipped_figures(functions, tmp_path, text):
    (tmp_path / "bad.csv").write_text(text)

    assert functions("train_model").train("bad.csv")["trained_on"] == "NIST Norris"


def test_a_model_that_can_not_be_kept_is_reported_as_a_failure(functions, reports, tmp_path):
    (tmp_path / "models").write_text("a file where the folder should be")

    functions("train_model").handler(_event(), None)
    assert [report["status"] for report in reports] == ["failure"]
    assert reports[0]["error"]["code"] == "model_not_kept"


def test_every_number_of_any_input_is_predicted_for(functions):
    """The contract of the example: `features` is a list of numbers, or absent."""
    handler = functions("infer_model").handler
    numbers = st.one_of(
        st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False)
    )

    @given(st.lists(numbers))
    def check(features: list[float]) -> None:
        predictions = handler(_event(features=features), None)["predictions"]
        assert len(predictions) == len(features)
        assert all(value is None or math.isfinite(value) for value in predictions)

    check()
    assert handler(_event(), None) == {"predictions": []}


def test_without_a_contract_the_numbers_of_the_input_are_its_features(functions):
    answer = functions("infer").handler(_event(route="Adelaide to Sydney", day_of_week=3), None)

    assert answer["features"] == ["day_of_week"]
    assert answer["predictions"] == pytest.approx([INTERCEPT + 3 * SLOPE])


def test_more_predictions_than_lambda_returns_are_kept_in_a_file(functions):
    """As many numbers as an event may hold are a payload that the contract admits."""
    many = [1] * 400_000
    answer = functions("infer_model").handler(_event(features=many), None)

    assert answer["predictions"] == []
    kept = json.loads(Path(answer["kept_in"]).read_text())["predictions"]
    assert len(kept) == len(many)
    assert min(kept) == max(kept) == pytest.approx(INTERCEPT + SLOPE)


def test_more_features_than_lambda_returns_are_kept_in_a_file(functions):
    numbers = {f"é{number}": number for number in range(200_000)}
    answer = functions("infer").handler(_event(**numbers), None)

    assert (answer["predictions"], answer["features"]) == ([], [])
    kept = json.loads(Path(answer["kept_in"]).read_text())
    assert kept["features"] == list(numbers)
    assert len(kept["predictions"]) == len(numbers)


def test_the_function_of_each_arn_in_the_contracts_examples_is_there():
    from config.embedded.lambda_endpoint.functions import Functions

    functions = Functions(FOLDER)
    for name in ("train-model", "infer-model", "train", "infer"):
        assert functions.path(name) is not None
