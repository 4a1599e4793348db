"""Sentences under results, computed from their numbers."""
