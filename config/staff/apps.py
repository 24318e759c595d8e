"""Replaces Django's default admin site with the staff site."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class StaffAdminConfig(AdminConfig):
    default_site = "config.staff.site.StaffSite"
