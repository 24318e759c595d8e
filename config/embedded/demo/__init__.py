"""The demo: stories played over HTTP against the running service, shown as they happen."""

from __future__ import annotations

from config.embedded.demo.api import Api
from config.embedded.demo.chain_story import ChainStory
from config.embedded.demo.stage import Stage, stage_for
from config.embedded.demo.story import Story, play
from config.embedded.demo.update_story import UpdateStory

# In this order; each begins with what it needs and leaves the others alone.
STORIES: tuple[type[Story], ...] = (UpdateStory, ChainStory)


def play_all(*, address: str, token: str, stage: Stage) -> bool:
    """Play every story; returns whether each step of each was seen to happen."""
    api = Api(address, token)
    return all(play(story(api, stage), stage) for story in STORIES)


__all__ = ["play_all", "stage_for"]
