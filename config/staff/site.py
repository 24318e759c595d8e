"""The staff's site: its navigation, its first page, and what each page is given."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from unfold.sites import UnfoldAdminSite

from config.staff import chains, dashboard
from config.staff.navigation import GROUPS, shown_to


class StaffSite(UnfoldAdminSite):  # type: ignore[misc]
    site_title = site_header = "Modelpact"

    def get_urls(self) -> list[URLPattern]:
        return [
            path("progress/", self.admin_view(self.progress), name="progress"),
            path("chains/", self.admin_view(self.chains), name="chains"),
            *super().get_urls(),
        ]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        return {
            **super().each_context(request),
            "site_title": "Modelpact",
            "site_header": "Modelpact",
            "site_symbol": "hub",
            "site_url": None,
            "show_back_button": False,
        }

    def get_sidebar_list(self, request: HttpRequest) -> list[dict[str, Any]]:
        """Return the navigation as the theme shows it: what this user may see."""
        return [shown_to(request, group) for group in GROUPS]

    def index(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        context = {
            **self.each_context(request),
            "title": "Dashboard",
            **dashboard.context(request),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "staff/dashboard.html", context)

    def progress(self, request: HttpRequest) -> HttpResponse:
        """Answer how far the running revalidations are; the dashboard asks again and again."""
        return dashboard.progress(request)

    def chains(self, request: HttpRequest) -> HttpResponse:
        """Show what sets off what as a picture, and as a table."""
        context = {**self.each_context(request), **chains.context(request)}
        return TemplateResponse(request, "staff/chains.html", context)
