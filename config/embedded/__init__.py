"""The embedded mode: everything in one process on SQLite, with a local Lambda endpoint."""
