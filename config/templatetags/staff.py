"""The template tags and filters of the staff pages: badges, times, durations, URLs."""

from __future__ import annotations

from django import template

from config.staff import formatting, links

register = template.Library()
register.simple_tag(formatting.badge, name="badge")
register.filter("tone", formatting.tone)
register.filter("moment", formatting.moment)
register.filter("short_id", formatting.short_id)
register.filter("job_duration", formatting.job_duration)
register.filter("error_line", lambda job: formatting.error_line(job.error))
register.filter("page_url", links.page_url)
