"""Settings, rights, errors, the embedded default, and what the README and the guide say."""
