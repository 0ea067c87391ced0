# Everything that is done with Vestnik, by name. `make help` lists it. A machine needs python3 (3.11 or 3.12), make
# and git; all else comes into .venv and node_modules. Stamp files (.installed, .built) make a second run quick.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help setup run test test-all lint format lock assets demo screenshots pictures faults bench translations clean

PY := .venv/bin/python
FLASK := $(PY) -m flask --app wsgi
# Four for two cores: a good part of the time is spent waiting, for disks, browsers and faults to pass.
PYTEST := $(PY) -m pytest -n 4 --dist worksteal
PYBABEL := $(PY) -m babel.messages.frontend
# More arguments for pytest or the benchmark: make test ARGS="-k import -x", make bench ARGS="poll --quick"
ARGS ?=

CATALOGUES := $(wildcard dashboard/translations/*/LC_MESSAGES/messages.po)
COMPILED := $(CATALOGUES:.po=.mo)

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do \
		printf '  make %-14s %s\n' "$$name" "$$text"; done

setup: .venv/.installed static/vendor/.built $(COMPILED) ## install all that `make run` needs
run: setup ## set up if need be, and start everything; Ctrl-C stops it
	@$(FLASK) up

# With the same examples each time, so that a red test is the fault of what was changed; test-all looks for new ones.
test: setup-dev ## run the tests, except the long ones
	@$(PYTEST) --hypothesis-profile=ci -m "not slow and not faults" $(ARGS)
test-all: setup-dev ## run every test, the long fault and browser lists included
	@$(PYTEST) $(ARGS)
faults: setup-dev ## run the tests that kill processes and break the gateway: 25 minutes on an idle machine
	@FAULTS_RESULTS=$${FAULTS_RESULTS:-bench/results/faults.jsonl} $(PY) -m pytest tests/faults $(ARGS)
bench: setup-dev ## measure how fast it is, next to what is possible: half an hour on an idle machine
	@$(PY) -m bench $(ARGS)
# Bandit's remarks on its own exceptions go to the second stream, what it finds to the first.
lint: .venv/.installed-dev ## check style, types, layers, templates and security
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@$(PY) -m mypy
	@.venv/bin/lint-imports --no-logo
	@$(PY) -m djlint --lint --quiet templates
	@.venv/bin/bandit --quiet --configfile pyproject.toml --recursive config.py wsgi.py dashboard scripts 2>/dev/null
format: .venv/.installed-dev ## put the code into the one style
	@.venv/bin/ruff check --fix .
	@.venv/bin/ruff format .

demo: setup ## add clients of all Russian zones and a few mailings; may be repeated
	@$(FLASK) db upgrade
	@$(FLASK) demo
screenshots: setup-dev ## take a picture of every page in both themes and languages, into screenshots/
	@$(PY) -m tests.screenshots
pictures: setup-dev ## take the pictures of the README anew, into docs/screenshots/
	@$(PY) -m tests.readme_pictures
assets: static/vendor/.built ## fetch the front-end packages and copy what pages load
translations: .venv/.installed ## collect new strings into the catalogues and compile them
	@mkdir -p dashboard/translations
	@$(PYBABEL) -q extract -F babel.cfg -k lazy_gettext -k lazy_ngettext:1,2 --no-location --sort-output \
		--project=Vestnik -o dashboard/translations/messages.pot .
	@test -d dashboard/translations/ru || $(PYBABEL) -q init -l ru -i dashboard/translations/messages.pot \
		-d dashboard/translations
	@$(PYBABEL) -q update --no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date -i dashboard/translations/messages.pot \
		-d dashboard/translations
	@$(MAKE) --no-print-directory setup
lock: .venv/.installed-dev ## bring the lock files up to date with requirements*.in and package.json
	@for name in requirements requirements-dev; do .venv/bin/uv pip compile --quiet --universal \
		--python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header \
		$$name.in -o $$name.txt || exit 1; done
	@$(PY) scripts/assets.py lock
clean: ## remove all that was installed and built; the data folder stays
	@rm -rf .venv node_modules static/vendor screenshots .pytest_cache .mypy_cache .ruff_cache \
		.import_linter_cache .hypothesis
	@rm -f dashboard/translations/*/LC_MESSAGES/*.mo
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: setup-dev
setup-dev: .venv/.installed-dev node_modules/.installed-dev setup

# The first Python that is new enough; else any, which then says what is wrong with it.
PYTHON ?= $(shell for python in python3.12 python3.11 python3 python; do \
	$$python -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' >/dev/null 2>&1 \
	&& echo $$python && exit; done; \
	for python in python3 python; do $$python -c '' >/dev/null 2>&1 && echo $$python && exit; done; echo python3)

.venv/.installed: requirements.txt scripts/bootstrap.py
	@command -v $(PYTHON) >/dev/null || { echo "Vestnik needs Python 3.11 or 3.12, and there is no $(PYTHON)." >&2; exit 1; }
	@$(PYTHON) scripts/bootstrap.py
	@touch $@
.venv/.installed-dev: requirements-dev.txt .venv/.installed
	@$(PYTHON) scripts/bootstrap.py --dev
	@touch $@

# `npm ci` begins by emptying node_modules, so whichever ran last decides whether the test packages are there.
node_modules/.installed: package-lock.json | .venv/.installed
	@$(PY) scripts/assets.py install
	@touch $@
node_modules/.installed-dev: package-lock.json | .venv/.installed
	@$(PY) scripts/assets.py install --dev
	@touch node_modules/.installed $@
static/vendor/.built: node_modules/.installed scripts/assets.py
	@$(PY) scripts/assets.py build

%.mo: %.po | .venv/.installed
	@$(PYBABEL) -q compile -i $< -o $@
