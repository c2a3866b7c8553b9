"""Sound: files, conversion, transcripts. Imports crm_core."""
