"""A class that takes part: who is in it, what it is asked, what it handed in, what it thought.

Everything lies in a database: see `database`. Nobody has an account. A teacher holds a secret, a
pupil a token; the database knows their digests only.
"""

from __future__ import annotations

import os

from maml_core.data.storage.disk_cache import default_data_dir

FILE = "classes.sqlite"


def database_url() -> str:
    """Return the database's address: `DATABASE_URL`, or a file in the data folder."""
    return os.environ.get("DATABASE_URL") or f"sqlite:///{default_data_dir() / FILE}"
