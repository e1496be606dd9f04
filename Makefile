# make           builds suppressd
# make run       shows the main job on a real Postfix, then serves until Ctrl-C; with ONCE=1 it ends by itself
# make check     everything that must hold
# make faults    the faults of "make check" for longer: KILLS=1000, SECONDS=60, CONNECTIONS=10000, SOAK=3600; prints what each
#                door answered, and what was lost
# make bench     how fast it is, beside what it is measured against; QUICK=1 in a minute, ONLY=lookup one suite
# make fuzz      runs each fuzz target for TIME=900 seconds, on what is left of its corpus when that is minimised; wants cargo-fuzz
#                (cargo install cargo-fuzz) and a C++ compiler
# make manuals   writes the manual pages of the commands, and the completions, from their definition
# make install   installs it below DESTDIR, with PREFIX=/usr
# make clean     removes what was built
# run and check install by apt what they need; see packaging/install-build-deps.

PREFIX = /usr
SYSCONFDIR = /etc
DESTDIR =
SUDO := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
RELEASE = target/release/suppressd
# Another build to install, such as target/debug/suppressd.
BINARY = $(RELEASE)

share = $(DESTDIR)$(PREFIX)/share
doc = $(share)/doc/suppressd
man = $(share)/man
# Where Debian's zsh looks for what packages bring, and for what was installed by hand.
zsh = $(if $(filter /usr,$(PREFIX)),vendor-completions,site-functions)
lib = $(DESTDIR)$(PREFIX)/lib
# Shipped files say /usr/bin/suppressd.
prefixed = sed 's|/usr/bin/suppressd|$(PREFIX)/bin/suppressd|'

.PHONY: build run check faults bench fuzz manuals deps install clean

build: $(RELEASE)

$(RELEASE): .cargo/config.toml Cargo.toml Cargo.lock $(shell find src -type f)
	@packaging/install-build-deps
	cargo build --release --locked --bin suppressd

deps:
	@packaging/install-build-deps

run: deps
	cargo build --release --bin suppressd --example sns-standin
	@$(SUDO) env ONCE=$(ONCE) tests/e2e/demo.sh

# Only these need root: for a private Postfix, for file systems of their own, and for making users and changing to them.
ROOT_TESTS := faults postfix shipped story
TESTS := $(filter-out $(ROOT_TESTS),$(basename $(notdir $(wildcard tests/*.rs))) $(patsubst tests/%/main.rs,%,$(wildcard tests/*/main.rs)))
RUNNER := CARGO_TARGET_$(shell rustc -vV 2>/dev/null | sed -n 's/^host: //p' | tr 'a-z-' 'A-Z_')_RUNNER

check: deps
	@packaging/nginx-for-tests >/dev/null
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings -A rustdoc::private_intra_doc_links" cargo doc --no-deps --document-private-items
	cargo test --lib --bins --examples $(addprefix --test ,$(TESTS))
	cargo test --doc
	$(RUNNER)="$(or $(SUDO),env)" cargo test $(addprefix --test ,$(ROOT_TESTS))

KILLS = 1000
SECONDS = 60
CONNECTIONS = 10000
SOAK = 3600
FAULTS = FAULTS_KILLS=$(KILLS) FAULTS_SECONDS=$(SECONDS) FAULTS_CONNECTIONS=$(CONNECTIONS) FAULTS_SOAK=$(SOAK)

faults: deps
	@rm -f target/tmp/faults.tsv
	@$(RUNNER)="$(or $(SUDO),) env $(FAULTS)" cargo test --test faults; ended=$$?; \
	  awk -F '\t' '{ printf "%s (%s)\n  doors: %s\n  beside: %s\n  lost or wrong: %s\n", $$1, $$2, $$3, $$4, $$5 }' \
	  target/tmp/faults.tsv; exit $$ended

# All of it takes some minutes; QUICK=1 one minute. ONLY="lookup ingest" picks suites: see benches/bench/main.rs.
bench:
	@packaging/install-build-deps bench
	cargo bench --bench bench -- $(if $(QUICK),--quick) $(ONLY)

TIME = 900
FUZZ_TARGETS := $(patsubst tests/fuzz/fuzz_targets/%.rs,%,$(wildcard tests/fuzz/fuzz_targets/*.rs))

# cargo-fuzz asks for nightly flags; RUSTC_BOOTSTRAP lets a stable compiler take them. There is no unsafe code for a sanitizer.
fuzz: deps
	@for target in $(FUZZ_TARGETS); do \
	  mkdir -p tests/fuzz/corpus/$$target tests/fuzz/seeds/$$target && \
	  RUSTC_BOOTSTRAP=1 cargo fuzz cmin --fuzz-dir tests/fuzz -O -s none $$target && \
	  RUSTC_BOOTSTRAP=1 cargo fuzz run --fuzz-dir tests/fuzz -O -s none $$target \
	    tests/fuzz/corpus/$$target tests/fuzz/seeds/$$target tests/corpus -- \
	    $$([ ! -e tests/fuzz/dictionaries/$$target ] || echo -dict=tests/fuzz/dictionaries/$$target) \
	    -max_total_time=$(TIME) -max_len=65536 -timeout=5 -rss_limit_mb=1024 -print_final_stats=1 || exit 1; \
	done

manuals: deps
	cargo run --quiet --example manuals

# Never overwrites the configuration. Users and directories are made by systemd-sysusers and systemd-tmpfiles.
install: $(BINARY)
	install -D -m 755 $(BINARY) $(DESTDIR)$(PREFIX)/bin/suppressd
	install -D -m 644 -t $(man)/man1 man/*.1
	install -D -m 644 -t $(man)/man5 man/suppressd.toml.5 man/suppressd.db.5
	install -D -m 644 -t $(man)/man7 man/suppressd.7
	install -D -m 644 -t $(man)/man8 man/suppressd.8
	install -D -m 644 -t $(share)/bash-completion/completions packaging/completions/suppressd
	install -D -m 644 -t $(share)/zsh/$(zsh) packaging/completions/_suppressd
	install -D -m 644 -t $(share)/fish/vendor_completions.d packaging/completions/suppressd.fish
	install -d $(lib)/systemd/system $(doc)/postfix
	$(prefixed) systemd/suppressd.service > $(lib)/systemd/system/suppressd.service
	chmod 644 $(lib)/systemd/system/suppressd.service
	install -D -m 644 -t $(lib)/systemd/system systemd/suppressd.socket
	install -D -m 644 systemd/suppressd.sysusers $(lib)/sysusers.d/suppressd.conf
	install -D -m 644 systemd/suppressd.tmpfiles $(lib)/tmpfiles.d/suppressd.conf
	for file in postfix/*; do $(prefixed) $$file > $(doc)/$$file && chmod 644 $(doc)/$$file || exit 1; done
	install -m 644 -t $(doc) README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE packaging/nginx.conf packaging/suppressd.toml
	[ -e $(DESTDIR)$(SYSCONFDIR)/suppressd/suppressd.toml ] || \
	  install -D -m 644 packaging/suppressd.toml $(DESTDIR)$(SYSCONFDIR)/suppressd/suppressd.toml

clean:
	cargo clean
