"""How charts, pictures and growing measurements are drawn on every page."""
