"""The base of the management commands: tables with coloured statuses, or JSON for scripts."""

from __future__ import annotations

from config.terminal.commands import BadArguments, TerminalCommand
from config.terminal.display import Column, Display, cleaned, state

__all__ = ["BadArguments", "Column", "Display", "TerminalCommand", "cleaned", "state"]
