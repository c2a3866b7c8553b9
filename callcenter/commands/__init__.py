"""The commands of the front door, by subject."""
