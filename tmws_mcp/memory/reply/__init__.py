"""What of the found is shown, and how it reads."""
