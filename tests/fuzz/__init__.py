"""Fuzzing: label texts of every kind through the whole line, and what is rendered against the real programs."""
