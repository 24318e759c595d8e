"""One file per verb of the subscriptions; services first, then over HTTP."""
