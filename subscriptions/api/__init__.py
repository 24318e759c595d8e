"""The HTTP edge of the subscriptions."""
