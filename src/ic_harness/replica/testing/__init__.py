"""What only a test network does: injected faults, latency, snapshots of the whole network."""
