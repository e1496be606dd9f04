# make run     shows the main job on a real Postfix, then serves until Ctrl-C; with ONCE=1 it ends by itself
# make check   everything that must hold
# Both install by apt what they need; see packaging/install-build-deps.

SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)

.PHONY: run check deps

deps:
	@packaging/install-build-deps

run: deps
	cargo build --release --bin suppressd --example sns-standin
	@$(SUDO) env ONCE=$(ONCE) tests/e2e/demo.sh

# Tests of the private Postfix need root; only they get it.
check: deps
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --document-private-items
	cargo test --lib --bins
	cargo test --doc
	CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER="$(SUDO)" CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER="$(SUDO)" cargo test --tests
