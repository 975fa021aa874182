"""Arithmetic of threshold keys against published vectors."""
