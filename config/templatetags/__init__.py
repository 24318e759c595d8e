"""The template tags of the staff pages."""
