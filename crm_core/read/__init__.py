"""What lists and pages show: reading only, one query a list, rows that know nothing of the database.

Changes are made by the services beside this folder; nothing here writes.
"""
