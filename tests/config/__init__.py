"""Settings, rights, errors, the embedded default, and what the README says."""
