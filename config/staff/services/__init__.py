"""What the staff pages write themselves: the log of staff actions."""
