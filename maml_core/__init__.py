"""Few-shot meta-learning, from a picture of a character to a loss landscape.

Read it in the direction in which data flows: `datasets` → `episodes` →
`adaptation` → `meta_training`, `baselines`, `evaluation` → `figures`. The package
knows nothing of the app that shows it.
"""
