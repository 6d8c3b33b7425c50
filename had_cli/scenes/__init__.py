"""Scenes: what lies in a file, seen lazily, whatever the format."""
