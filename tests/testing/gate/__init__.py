"""The gate, stage by stage."""
