"""Processes that are killed, brokers and databases that go away."""
