"""Checking stored payloads again after a contract changes, in the background."""
