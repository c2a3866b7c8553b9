"""People: customers, numbers, orders, deals, outcomes, the database. Imports none of our other rooms."""
