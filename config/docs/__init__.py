"""The guide: Markdown pages for a repository browser, which the service also shows at /docs/."""
