"""What prints every number that README and docs claim; `make bench` runs them all."""
