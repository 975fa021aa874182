"""The plan of the house, as tests: floors, doors and the size of rooms."""
