"""The documentation site: its snippets, its pages and its examples."""
