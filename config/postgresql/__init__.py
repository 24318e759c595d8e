"""Django's PostgreSQL, with connections that are looked at before use and not asked."""
