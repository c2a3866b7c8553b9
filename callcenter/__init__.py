"""The only room where phones meet people. Imports asterisk, recordings, crm_core."""
