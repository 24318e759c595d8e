"""`manage.py doctor`: checks the deployment, and tells what is wrong and how to fix it."""

from __future__ import annotations

import sys
from typing import Any

from rich.table import Table
from rich.text import Text

from config.doctor import Finding
from config.doctor.checks import run_checks
from config.terminal import TerminalCommand, cleaned

STYLES = {"ok": "green", "warning": "yellow", "problem": "bold red"}


class Command(TerminalCommand):
    help = (
        "Check configuration, database, clock, broker, workers, keys and functions (by dry runs)."
        " Changes nothing. Exit status 1 if there is a problem."
    )
    examples = ("doctor", "doctor --json | jq '.findings[] | select(.state != \"ok\")'")

    def show(self, **options: Any) -> None:
        findings = run_checks()
        is_ok = all(finding.state != "problem" for finding in findings)
        if options["json"]:
            shown = [finding._asdict() for finding in findings]
            self.display.document({"ok": is_ok, "findings": shown})
        else:
            self.display.console.print(_table(findings))
        if not is_ok:
            sys.exit(1)


def _table(findings: list[Finding]) -> Table:
    """Return a row for each finding, with the advice below the message."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("SUBJECT", "STATE"):
        table.add_column(title, no_wrap=True)
    table.add_column("FINDING", overflow="fold")
    for finding in findings:
        message = Text(cleaned(finding.message))
        if finding.advice:
            message.append(f"\n-> {cleaned(finding.advice)}", style="italic")
        state = Text(finding.state, style=STYLES[finding.state])
        table.add_row(finding.subject, state, message)
    return table
