"""What stands around every page: its head and the sidebar."""
