"""Phones: what Asterisk says, what we can ask of it. Imports none of our other rooms."""
