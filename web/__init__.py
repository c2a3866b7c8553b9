"""The browser side: pages, API, push. Imports callcenter, recordings, crm_core."""
