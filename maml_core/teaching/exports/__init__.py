"""What a person takes away: numbers as CSV, experiments as scripts."""
