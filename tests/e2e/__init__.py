"""The commands of the README, as a new user types them."""
