#!/usr/bin/env python
"""The command line: `manage.py serve --demo` shows the service, `manage.py help` lists the rest."""

from __future__ import annotations

from config.main import main

if __name__ == "__main__":
    main()
