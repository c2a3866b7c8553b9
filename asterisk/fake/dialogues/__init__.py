"""Spoken dialogues of simulated calls and the script that renders them."""
