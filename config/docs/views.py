"""`GET /docs/`: the guide, open to everybody, in the look of the service's own pages."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe
from django.views.generic import RedirectView


@require_safe
def show(request: HttpRequest, name: str = "README") -> HttpResponse:
    """Show one page; without a name, the index."""
    # Loaded by the first reader: a web process that serves none starts without Markdown.
    from config.docs import pages

    page = pages.page(name)
    if page is None:
        raise Http404
    context = {
        "page": page,
        "navigation": pages.navigation(),
        "title": page.title,
        "site_title": "Modelpact",
    }
    return render(request, "docs/page.html", context)


urlpatterns = [
    path("docs", RedirectView.as_view(pattern_name="guide")),
    path("docs/", show, name="guide"),
    path("docs/<slug:name>/", show, name="guide-page"),
]
