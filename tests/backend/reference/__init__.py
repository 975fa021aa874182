"""The reference backend itself: what it costs, what it refuses, what it keeps across builds."""
