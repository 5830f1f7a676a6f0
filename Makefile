# Twofold's commands. Each sets up what it needs from a bare checkout, and is quick the second time.
# Needs Python 3.11 or newer with venv, and make. Another interpreter: make demo PYTHON=python3.12

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --require-hashes --no-deps
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

# Catalogues as gettext reads them, made of those that people write.
CATALOGUES = $(patsubst %.po,%.mo,$(wildcard locale/*/LC_MESSAGES/django.po))

TEMPLATES = $(shell find accounts loyalty rewards surveys templates -name '*.html')

# Settings as an installation has them: none of them from the demo. Nothing is connected to.
LIKE_PRODUCTION = DATABASE_URL=postgres://twofold@127.0.0.1:1/twofold ALLOWED_HOSTS=twofold.example \
  CELERY_BROKER_URL=redis://127.0.0.1:1/0 \
  SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(50))') \
  FIELD_KEYS=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(50))')

.DEFAULT_GOAL := help
.PHONY: help demo test test-all mutants check bench messages lock

help:  ## List the commands
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-18s %s\n", $$1, $$2}'

demo: $(VENV)/.runtime $(CATALOGUES)  ## A world to click through on http://127.0.0.1:8000 (TWOFOLD_PORT: another port); Ctrl-C ends it
	@exec $(BIN)/python -m loyalty.site.demo_server

test: $(VENV)/.development $(CATALOGUES)  ## The whole suite on a PostgreSQL of its own, browser tests where Chromium is installed
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -q -n 2 --dist worksteal

test-all: $(VENV)/.development $(CATALOGUES)  ## Also the long tests
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -q -n 2 --dist worksteal --long

mutants: $(VENV)/.development $(CATALOGUES)  ## Change calculations bit by bit: does a test notice? (ONLY='loyalty.earning.caps.*': some again)
	@$(BIN)/python -m tests.mutants $(ONLY)

check: $(VENV)/.development  ## Lint, format, types, layers, templates, migrations, container files, production settings; names all that failed
	@failed=; \
	step() { name=$$1; shift; echo "== $$name"; "$$@" || failed="$$failed, $$name"; }; \
	step "ruff check" $(BIN)/ruff check; \
	step "ruff format" $(BIN)/ruff format --check; \
	step mypy $(BIN)/mypy; \
	step import-linter $(BIN)/lint-imports --no-logo; \
	step djade $(BIN)/djade --check --target-version 5.2 $(TEMPLATES); \
	step migrations env $(LIKE_PRODUCTION) $(BIN)/python -W ignore manage.py makemigrations --check --dry-run; \
	step containerfile $(BIN)/hadolint --config deploy/hadolint.yaml deploy/Containerfile; \
	step compose $(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec deploy/compose.yaml; \
	step "check --deploy" env $(LIKE_PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING; \
	if [ -n "$$failed" ]; then echo; echo "Failed: $${failed#, }"; exit 1; fi

bench: $(VENV)/.development  ## How fast the engine is (QUICK=1: a short look)
	@$(BIN)/python manage.py bench $(if $(QUICK),--quick)

messages: $(VENV)/.development  ## Bring the catalogues of locale/ up to what the code says; new strings stand there untranslated
	@mkdir -p build
	@PYTHONPATH=. $(BIN)/pybabel --quiet extract --output-file build/django.pot .
	@$(BIN)/pybabel --quiet update --input-file build/django.pot

%.mo: %.po | $(VENV)/.runtime
	@$(BIN)/pybabel --quiet compile --input-file $< --output-file $@

lock: $(VENV)/.development  ## Lock what requirements*.in ask for (UPGRADE=1: in the newest versions they allow)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(COMPILE) $(if $(UPGRADE),--upgrade) requirements.in -o requirements.txt
	$(COMPILE) $(if $(UPGRADE),--upgrade) requirements-dev.in -o requirements-dev.txt

# A virtual environment that anything but this file made may lack pip.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Twofold needs Python 3.11 or newer, and $(PYTHON) is not that. Install it, or name another: make demo PYTHON=python3.12"; \
	  exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) cannot make virtual environments. On Debian and Ubuntu: apt install python3-venv"; \
	  exit 1; }
	@echo "Making the virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.pip: | $(BIN)/python
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	@touch $@

$(VENV)/.runtime: requirements.txt | $(VENV)/.pip
	@echo "Installing requirements.txt"
	@$(PIP_INSTALL) -r requirements.txt
	@touch $@

$(VENV)/.development: requirements-dev.txt | $(VENV)/.pip
	@echo "Installing requirements-dev.txt"
	@$(PIP_INSTALL) -r requirements-dev.txt
	@touch $@ $(VENV)/.runtime
