# The commands of this repository. Each line after `##` is what `make` prints.
# Recipes stay short: what needs more than three lines is a script in tests/scripts.

CARGO ?= cargo
CACHE = $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/relctl

.DEFAULT_GOAL := help
.PHONY: help demo run setup setup-tests check test e2e ci fuzz bench bench-announce bench-delta bench-download bench-fanout clean-cache

help: ## list these commands
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | expand -t 16

demo: setup ## see the whole product do its job with real JARs, in under a minute
	@tests/scripts/demo.sh

run: setup ## start a daemon to play with, and see what to try first
	@tests/scripts/run.sh

setup: ## install what the build and the demo need beyond Rust
	@tests/scripts/setup.sh

setup-tests: ## install that and what the tests need: a browser, and packages that a page uses
	@tests/scripts/setup.sh tests

check: setup ## format, clippy and rustdoc, with warnings as errors
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --locked

test: setup-tests ## all tests: units, documents and the whole system
	$(CARGO) test --workspace --locked

e2e: setup-tests ## only the whole-system tests, against the real binaries
	$(CARGO) test --package tests --locked

ci: check test ## what CI runs, and nothing more

fuzz: setup ## feed hostile input to the delta engine and the message decoder, FUZZ_SECONDS=60 for each target
	@CARGO="$(CARGO)" tests/scripts/fuzz.sh

bench: bench-announce bench-download ## measure what we promise about speed

bench-announce: setup ## time from publishing to the announcement, at 100 connected clients
	$(CARGO) bench --package tests --bench announce --locked

bench-delta: setup ## patch sizes and costs against other tools on real JARs, several minutes
	@CARGO="$(CARGO)" tests/scripts/bench-delta.sh

bench-download: ## speed and processor time of downloads beside nginx, a few minutes
	@tests/scripts/setup.sh nginx
	$(CARGO) bench --package tests --bench download --locked

bench-fanout: setup ## what telling 10,000 sessions costs, beside four other servers, several minutes
	@tests/scripts/setup.sh fanout
	$(CARGO) bench --package tests --bench fanout --locked

clean-cache: ## forget the real JARs that the demo downloaded
	rm -rf "$(CACHE)"
