"""Small stand-ins for programs that cannot be had everywhere; what they answer is this package's own replica."""
