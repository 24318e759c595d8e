"""What the staff pages write of their own: who did what, and what came of it."""
