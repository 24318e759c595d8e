"""One file per verb of the registry; services first, then over HTTP."""
