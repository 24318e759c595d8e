"""Every change of the registry. Each public function is one transaction and announces facts."""
