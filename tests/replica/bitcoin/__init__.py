"""Bitcoin networks in memory."""
