"""The request that views are given."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request, WrappedAttributeError


class ApiRequest(Request):
    """DRF's request, which finds what each view asks for without a detour.

    DRF's looks for what Django's request has in itself first, and makes a context manager for
    each look at `user`.
    """

    def __init__(self, request: HttpRequest, **how_to_read: Any) -> None:
        super().__init__(request, **how_to_read)
        self.method, self.META = request.method, request.META

    @property
    def user(self) -> Any:
        """The caller, a `Principal`; None where nobody said who calls, or nobody is asked.

        Raises AuthenticationFailed.
        """
        if "_user" not in self.__dict__:
            try:
                self._authenticate()  # type: ignore[attr-defined]
            except AttributeError as error:
                # As itself it would have Python look for `user` elsewhere.
                raise WrappedAttributeError(str(error)) from error
        return self._user

    @user.setter
    def user(self, value: Any) -> None:
        self._user = value
