"""What an infrastructure step can do that needs nothing of ours."""
