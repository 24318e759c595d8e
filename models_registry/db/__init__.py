"""The only place with SQL by hand and with differences between databases."""
