"""Goal-conditioned tasks on a table: Reach, Push and PickAndPlace, defined as in the published benchmarks."""
