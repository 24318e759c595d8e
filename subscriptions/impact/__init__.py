"""What an update of a contract does to subscribers: previewed before, reported after."""
