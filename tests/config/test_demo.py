"""How scenarios run and shown; test_serve.py runs the real ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import StringIO
from typing import Any

import pytest
from rich.console import Console

from config.embedded.demo import display as displays
from config.embedded.demo.api import Api, Unexpected
from config.embedded.demo.display import Display, LiveDisplay, PlainDisplay, display_for
from config.embedded.demo.polling import ModelPoller, Snapshot
from config.embedded.demo.scenario import Step, run
from tests import examples

JOB: dict[str, Any] = {"id": "7", "job_type": "training", "model_version": "1", "error": None}
WAITING = {**JOB, "status": "pending", "started_at": None}
ENDED = {**JOB, "status": "success", "started_at": "2026-03-01T12:00:00Z"}


def snapshot(
    *, model: str = "pending", version: str = "pending", jobs: Sequence[Any] = ()
) -> Snapshot:
    return Snapshot(
        {"id": "price", "status": model}, [{"version": "1", "status": version}], [*jobs]
    )


class ExampleScenario:
    """A scenario whose second step shows a training, and then does what it is told."""

    title = "A scenario"

    def __init__(self, display: Display, second: Callable[[], str] = lambda: "trained") -> None:
        self.display = display
        self.second = second
        self.done: list[int] = []

    def steps(self) -> Sequence[Step]:
        return [Step("First", self.first), Step("Second", self.act), Step("Third", self.third)]

    def first(self) -> str:
        self.display.show(snapshot())
        return "something"

    def act(self) -> str:
        self.display.show(snapshot(version="training", jobs=[WAITING]))
        self.display.show(snapshot(model="active", version="active", jobs=[ENDED]))
        return self.second()

    def third(self) -> str:
        self.done.append(3)
        return "the end"


def missing() -> str:
    raise Unexpected("It is [not] there.")


@pytest.fixture(params=["terminal", "pipe"])
def console(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Console:
    monkeypatch.setattr(displays, "PACE_SECONDS", 0)
    return Console(file=StringIO(), force_terminal=request.param == "terminal", width=100)


def printed(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_a_terminal_gets_a_display_and_a_pipe_lines(console: Console) -> None:
    kind = LiveDisplay if console.is_terminal else PlainDisplay
    assert type(display_for(console)) is kind


def test_every_step_and_what_it_saw_is_shown(console: Console) -> None:
    scenario = ExampleScenario(display_for(console))
    assert run(scenario, scenario.display) is True
    for text in ("A scenario", "First", "something", "Second", "trained", "Third", "the end"):
        assert text in printed(console)


def test_the_first_step_that_fails_ends_the_scenario(console: Console) -> None:
    scenario = ExampleScenario(display_for(console), missing)
    assert run(scenario, scenario.display) is False
    assert scenario.done == []
    assert "It is [not] there." in printed(console)


def test_lines_tell_of_each_status_once_also_of_one_that_passed_between_two_looks() -> None:
    console = Console(file=StringIO(), width=40)
    scenario = ExampleScenario(display_for(console))
    run(scenario, scenario.display)
    assert printed(console).splitlines() == [
        "A scenario (3 steps)",
        "[1/3] First",
        "      model price: pending",
        "      price version 1: pending",
        "      done: something",
        "[2/3] Second",
        "      price version 1: training",
        "      training 7 of price version 1: pending",
        "      model price: active",
        "      price version 1: active",
        "      training 7 of price version 1: started",
        "      training 7 of price version 1: success",
        "      done: trained",
        "[3/3] Third",
        "      done: the end",
    ]


def test_the_display_keeps_the_statuses_in_their_colours() -> None:
    console = Console(file=StringIO(), force_terminal=True, color_system="standard", width=100)
    display = LiveDisplay(console)
    display.show(snapshot())
    display.show(snapshot(version="training"))
    display.show(snapshot(version="active"))
    console.print(display)
    shown = "\x1b[33mpending\x1b[0m → \x1b[36mtraining\x1b[0m → \x1b[32mactive\x1b[0m"
    assert shown in printed(console)


def test_the_display_fits_a_small_terminal_and_is_whole_at_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(displays, "PACE_SECONDS", 0)
    console = Console(file=StringIO(), force_terminal=True, width=100, height=24)
    display = LiveDisplay(console)
    steps = [f"Step {number}" for number in range(9)]
    with display.scenario("A long scenario", steps):
        for step in steps:
            display.begin(step)
            display.show(snapshot(jobs=[{**WAITING, "id": f"{step[-1]}-{n}"} for n in range(9)]))
            display.done(step, f"seen in {step}")
        assert len(console.render_lines(display)) <= 24
    assert len(console.render_lines(display)) > 24 + 9 * 9


# --- Waiting ----------------------------------------------------------------------------------
class Service(Api):
    """Answers with the jobs of one look after the other, the last for ever."""

    def __init__(self, *looks: list[Any]) -> None:
        self.looks = list(looks)

    def get(self, path: str) -> Any:
        if "/jobs" in path:
            return self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        return [] if path.endswith("/versions") else {"model": {"id": "price", "status": "x"}}


def watch(*looks: list[Any]) -> ModelPoller:
    return ModelPoller(Service(*looks), examples.MODEL_ID, lambda _: None)


def test_waiting_ends_with_the_job_that_succeeded() -> None:
    assert watch([], [WAITING], [ENDED]).until_succeeded("7") == ENDED


def test_waiting_for_a_job_that_failed_tells_why_at_once() -> None:
    failed = {**ENDED, "status": "failure", "error": {"code": "no_data"}}
    with pytest.raises(Unexpected, match="no_data"):
        watch([failed]).until_succeeded("7")


def test_waiting_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.embedded.demo.polling.TIMEOUT_SECONDS", 0.1)
    with pytest.raises(Unexpected, match="job 7 to succeed"):
        watch([WAITING]).until_succeeded("7")


def test_an_answer_that_is_not_the_expected_one_is_shown_whole(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    api = Api("http://127.0.0.1:9", "token")
    answer = {"success": False, "message": "There is no such model."}
    monkeypatch.setattr(api, "answer", lambda *_: (404, answer))
    told = r"PUT /v2/models/x answered 404, not 200:\n(?s:.)*no such model"
    with pytest.raises(Unexpected, match=told):
        api.put("/models/x", {})


def test_a_service_that_is_not_there_is_told_and_no_crash() -> None:
    with pytest.raises(Unexpected, match="GET /v2/health got no answer"):
        Api("http://127.0.0.1:9", "token").get("/health")
