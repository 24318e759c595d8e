"""The tags and filters of the staff pages: badges, times, durations, addresses."""

from __future__ import annotations

from django import template

from config.staff import addresses, showing

register = template.Library()
register.simple_tag(showing.badge, name="badge")
register.filter("tone", showing.tone)
register.filter("moment", showing.moment)
register.filter("short_id", showing.short_id)
register.filter("took", showing.took)
register.filter("reason", lambda job: showing.reason(job.error))
register.filter("page_url", addresses.page_url)
