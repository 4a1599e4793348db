"""One meta-update taken apart: its steps, gradients, layers and source."""
