# `make` lists the targets.
.PHONY: help install demo test test-cluster lint report lock schema reference gallery docs clean
.DEFAULT_GOAL := help

# As in the activated virtual environment.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export VIRTUAL_ENV := $(CURDIR)/.venv
unexport PYTHONPATH PYTHONHOME

DEMO := results/demo
REPORT := $(DEMO)/report.html
SMK := Snakefile $(wildcard rules/*.smk)

help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' Makefile | expand -t 22

install: ## make .venv with the versions of requirements.lock, and get R where possible
	@setup/install.sh

demo: install ## run the demo study and make its report
	@snakemake --cores all
	@$(MAKE) --no-print-directory report
	@printf '%s\n' "" "tables   $(DEMO)/tables/" "figures  $(DEMO)/figures/" "report   $(REPORT)"

test: lint ## check the style, then run all tests
	@pytest -q -n 2 --durations=15 tests

test-cluster: install ## run a study on a SLURM of Debian's packages that is started here (root; part of `make test`)
	@pytest -q -rs tests/cluster

lint: install ## ruff, snakefmt and snakemake --lint
	@ruff check --quiet .
	@ruff format --check --quiet .
	@snakefmt --check $(SMK)
	@snakemake --lint

# Made again only if something that it shows is newer.
report: install ## the report of a study (make report [STUDY=studies/x.yaml]; default: the demo's) in results/STUDY/report.html
	@python scripts/make_report.py $(if $(STUDY),--study $(STUDY))

lock: install ## resolve requirements.in again (newest versions: make lock UPGRADE=--upgrade)
	@python setup/lock.py $(UPGRADE)

schema: install ## write schemas/study.schema.json from the configuration's models
	@PYTHONPATH=scripts python -m outofsample.study.json_schema

reference: install ## write docs/reference/, and what docs/methods.md and docs/architecture.md have from the code
	@PYTHONPATH=scripts python -m outofsample.study.reference

gallery: install ## write docs/gallery.md and its pictures from the figures of the demo
	@python setup/make_gallery.py

# Material for MkDocs prints an advertisement without the variable.
docs: install ## build the documentation into build/site, with strict links
	@NO_MKDOCS_2_WARNING=1 mkdocs build --strict
	@printf '%s\n' "open build/site/index.html; with search: python -m http.server --directory build/site"

clean: ## remove the results of the demo and of tests, and caches; .venv and other studies stay
	@rm -rf $(DEMO) results/smoke .pytest_cache .ruff_cache .hypothesis .benchmarks build
	@find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
