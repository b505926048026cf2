"""Complete programs on kroute's public API alone."""
