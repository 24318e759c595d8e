"""Subscribing, accepting, firing, staleness, loops and the graph."""
