"""The guide: Markdown pages that a repository browser shows and that the service serves at /docs/."""
