"""One file for each step, named by its number; `down_revision` is the step before it."""
