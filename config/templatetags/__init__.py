"""What the staff pages' templates call."""
