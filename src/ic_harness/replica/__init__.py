"""The embedded Internet Computer."""
