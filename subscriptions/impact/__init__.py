"""The impact of a contract update on subscribers: previewed before, reported after."""
