"""Event subscriptions: chains of models, and what happens to them when a contract changes."""
