"""`python -m maml_core`; see `cli.commands`."""

from maml_core.cli.commands import main

if __name__ == "__main__":
    raise SystemExit(main())
