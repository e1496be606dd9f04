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

# Only the tests with a private Postfix need root.
TESTS := $(patsubst tests/%.rs,--test %,$(filter-out tests/postfix.rs,$(wildcard tests/*.rs)))
RUNNER := CARGO_TARGET_$(shell rustc -vV | sed -n 's/^host: //p' | tr 'a-z-' 'A-Z_')_RUNNER

check: deps
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" cargo doc --no-deps --document-private-items
	cargo test --lib --bins --examples $(TESTS)
	cargo test --doc
	$(RUNNER)="$(or $(SUDO),env)" cargo test --test postfix
