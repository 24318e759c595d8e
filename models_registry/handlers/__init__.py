"""How a job reaches the code that does it: one module per handler type, one small protocol."""
