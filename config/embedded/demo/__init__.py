"""The demo: scenarios that run over HTTP against the service, and show each step."""

from __future__ import annotations

from config.embedded.demo.api import Api
from config.embedded.demo.chain_scenario import ChainScenario
from config.embedded.demo.display import Display, display_for
from config.embedded.demo.scenario import Scenario, run
from config.embedded.demo.update_scenario import UpdateScenario

# In this order; each scenario creates its own models.
SCENARIOS: tuple[type[Scenario], ...] = (UpdateScenario, ChainScenario)


def run_all(*, address: str, token: str, display: Display) -> bool:
    """Run every scenario; returns whether every step succeeded."""
    api = Api(address, token)
    return all(run(scenario(api, display), display) for scenario in SCENARIOS)


__all__ = ["display_for", "run_all"]
