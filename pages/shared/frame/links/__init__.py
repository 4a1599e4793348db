"""Addresses that lead to a page as it stands: short, copied, embedded, or a former version's."""
