.PHONY: check
PY = .venv/bin/python
check:
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(PY) -m pytest tests/test_architecture.py
