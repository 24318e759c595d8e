"""The superuser of the embedded default's admin."""

from __future__ import annotations

from django.contrib.auth import get_user_model

from config.embedded.data import DataDir

USERNAME = "admin"
PASSWORD_BYTES = 12


def admin_password(data: DataDir) -> str | None:
    """Return the password of `admin`, making the user and the password the first time.

    The password is kept in the data directory. Returns None when somebody has changed it since.
    """
    password = data.secret("admin_password", size_bytes=PASSWORD_BYTES)
    users = get_user_model().objects
    user = users.filter(username=USERNAME).first()
    if user is None:
        users.create_superuser(USERNAME, password=password)
        return password
    return password if user.check_password(password) else None
