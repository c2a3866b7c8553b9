"""What comes in from other systems and goes out to them: files of goods, customers, orders and calls.

table.py    a file of whatever kind -> headings and rows of text; child.py: the same in a process of its own
kinds.py    what a cell can be: a sum, telephone numbers, an instant; noun.py: what an importable noun is
goods.py, people.py, sales.py: the nouns; rows.py: rows of a file put in or refused
mapping.py  what columns mean, kept under a name; job.py: an import as it stands in the database
worker.py   works off imports
sheet.py    a table as CSV or XLSX; export.py, columns.py: lists as such tables
"""
