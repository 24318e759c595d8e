"""`manage.py doctor`: looks the deployment over and says what is wrong and what to do."""

from __future__ import annotations

import sys
from typing import Any

from rich.table import Table
from rich.text import Text

from config.doctor import examine
from config.doctor.findings import Finding
from config.terminal import TerminalCommand, cleaned

STYLES = {"ok": "green", "warning": "yellow", "problem": "bold red"}


class Command(TerminalCommand):
    help = (
        "Check configuration, database, clock, broker, workers, keys and functions (by dry runs)."
        " Changes nothing; exits with 1 when something is wrong."
    )
    examples = ("doctor", "doctor --json | jq '.findings[] | select(.state != \"ok\")'")

    def show(self, **options: Any) -> None:
        findings = examine()
        is_well = all(finding.state != "problem" for finding in findings)
        if options["json"]:
            shown = [finding._asdict() for finding in findings]
            self.display.document({"ok": is_well, "findings": shown})
        else:
            self.display.console.print(_table(findings))
        if not is_well:
            sys.exit(1)


def _table(findings: list[Finding]) -> Table:
    """Return a row for each finding, with the advice below what was found."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("WHAT", "STATE"):
        table.add_column(title, no_wrap=True)
    table.add_column("FINDING", overflow="fold")
    for finding in findings:
        said = Text(cleaned(finding.message))
        if finding.advice:
            said.append(f"\n-> {cleaned(finding.advice)}", style="italic")
        state = Text(finding.state, style=STYLES[finding.state])
        table.add_row(finding.subject, state, said)
    return table
