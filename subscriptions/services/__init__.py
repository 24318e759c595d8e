"""Subscribing, firing, staleness, revalidation. Each public function is one transaction."""
