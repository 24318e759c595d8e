"""A soak run: every fault at random under load, and afterwards everything is there exactly once."""
