"""What Django REST Framework takes by dotted path from the settings. No app imports it."""
