"""PocketIC's REST interface, served by the embedded replica."""
