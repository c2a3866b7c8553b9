"""How long a test waits for what has to come. Generous: the machine may be busy, and nothing waits for the clock."""

PATIENCE_S = 40
