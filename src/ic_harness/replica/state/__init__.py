"""What every part of the replica shares as plain data: the replicated state, limits, rejects, time, randomness."""
