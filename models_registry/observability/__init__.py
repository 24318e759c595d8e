"""Who acts, what a request is called, what is counted and measured, and whether all is well."""
