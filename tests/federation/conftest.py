"""Tests of what instances share; a rule can be taken out to see whether they notice."""

from tests.federation import mutants

mutants.apply()
