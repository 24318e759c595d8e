"""Every way the registry changes. Each public function is one transaction and announces facts."""
