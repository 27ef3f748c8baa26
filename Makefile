# What a person types. `make bench` and `make test` need only node >= 20, npm, make, g++ and python3.

SCENARIO ?= loopback
NODE ?= node
SPLICEBENCH = $(NODE) dist/src/cli/main.js
NATIVE_SOURCES = $(shell find native/src native/recorder native/binding.gyp -type f)
TS_SOURCES = $(shell find src bench test -name '*.ts') tsconfig.json
ADDON = native/build/Release/splicebench.node
SANITIZED = native/build/sanitized
# Options for the run, for example `make bench ARGS=--quick`.
ARGS ?=

.PHONY: rivals readme finding-haproxy slices lab lab-published lab-cards docs bench bars bars-precision claims honest publish-check selftest check test build lint format unit e2e native-build native-test clean tools
.PHONY: sanitize sanitize-build sanitize-addon sanitize-address sanitize-thread
.DELETE_ON_ERROR:

bench: build
	@$(SPLICEBENCH) run $(SCENARIO) $(ARGS)

bench-%: build
	@$(SPLICEBENCH) run $* $(ARGS)

# Proves on this host that corruption would be seen; later reports quote it.
selftest: build
	@$(SPLICEBENCH) selftest $(ARGS)

# A sound kernel, then the same kernel with the bug of 2008, in QEMU. The second one is to be found: exit code 3.
LAB_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/splicebench/lab
lab: build
	@kernel=$$(sh .ci/lab-kernel.sh $(LAB_CACHE)) && $(SPLICEBENCH) lab --kernel "$$kernel" $(ARGS) && \
		{ $(SPLICEBENCH) lab --kernel "$$kernel" --bug 2008 --out results/runs/lab-2008-$$(date +%s) $(ARGS); test $$? = 3; }

# What a kernel with the bug shows: results/published/lab-2008. Counts, not speeds: a busy machine only takes longer.
# The distribution's kernel with every card, and newer ones, from backports and the coming release, over tap.
# Goes on where it was: boots that came to their end are kept in LAB_RUNS.
LAB_RUNS = results/runs/lab-published
LAB_NICS ?= tap,e1000e,virtio-net-pci,rtl8139
LAB_MINUTES ?= 240
lab-published: build
	@mkdir -p $(LAB_RUNS)
	@kernel=$$(sh .ci/lab-kernel.sh $(LAB_CACHE)) && \
		backports=$$(sh .ci/lab-kernel.sh $(LAB_CACHE)-backports backports) && \
		testing=$$(sh .ci/lab-kernel.sh $(LAB_CACHE)-testing testing) && \
		for name in lab-2008-programs lab-2008; do \
			grep -qs '"failure": null' $(LAB_RUNS)/$$name/lab.json && continue; \
			rm -rf $(LAB_RUNS)/$$name; \
			$(SPLICEBENCH) lab $$name --kernel "$$kernel" --bug 2008 --out $(LAB_RUNS)/$$name $(ARGS) >$(LAB_RUNS)-$$name.txt; test $$? = 3 || exit 1; done && \
		{ $(SPLICEBENCH) lab --matrix --kernel "$$backports" --kernel "$$testing" --nics tap --minutes $(LAB_MINUTES) --out $(LAB_RUNS)/kernels $(ARGS); test $$? -le 1; } && \
		{ $(SPLICEBENCH) lab --matrix --kernel "$$kernel" --nics $(LAB_NICS) --minutes $(LAB_MINUTES) --out $(LAB_RUNS)/cards $(ARGS); test $$? -le 1; } && \
		$(NODE) dist/bench/lab-published.js $(LAB_RUNS)/lab-2008 $(LAB_RUNS)/lab-2008-programs $(LAB_RUNS)/cards $(LAB_RUNS)/kernels

# The conformance suite and the adversarial scenarios on each emulated card, without the bug: results/published/lab-cards.
# LAB_CASE_MINUTES bounds the cases of a card. Goes on where it was.
LAB_CARDS ?= e1000e,virtio-net-pci,rtl8139
LAB_CASE_MINUTES ?= 60
LAB_CARD_RUNS = results/runs/lab-cards
lab-cards: build
	@mkdir -p $(LAB_CARD_RUNS)
	@kernel=$$(sh .ci/lab-kernel.sh $(LAB_CACHE)) && \
		for nic in $$(echo $(LAB_CARDS) | tr , ' '); do for what in lab-adversarial --conformance; do \
			out=$(LAB_CARD_RUNS)/$$nic-$${what##*-}; \
			grep -qs '"failure": null' $$out/lab.json && continue; \
			rm -rf $$out; \
			$(SPLICEBENCH) lab $$what --minutes $(LAB_CASE_MINUTES) --kernel "$$kernel" --nic $$nic --out $$out $(ARGS) >$$out.txt; \
		done; done
	@$(NODE) dist/bench/lab-cards.js $(LAB_CARD_RUNS)/*/

# The project's own bars, in one interleaved run: results/bars.
bars: build
	@$(NODE) dist/bench/bars.js $(ARGS)

# What slices of several lengths show in the same time, in seven minutes.
slices: build
	@rm -rf results/runs/slices
	@$(SPLICEBENCH) run slices --out results/runs/slices $(ARGS) >/dev/null
	@$(NODE) dist/bench/slices.js results/runs/slices

# How well this host tells forwarders apart, in 40 minutes: results/precision. Goes on where it was.
bars-precision: build
	@$(NODE) dist/bench/precision.js $(ARGS)

# Honest traffic over all mechanisms, counting false alarms: results/honest. Goes on where it was.
honest: build
	@$(NODE) dist/bench/honest-traffic.js $(ARGS)

# Scripted conversations that are known to break forwarders, against all that are here.
conformance: build
	@$(SPLICEBENCH) conformance --out results/conformance $(ARGS)

# Published claims, judged on this machine: results/claims.
claims: build
	@$(SPLICEBENCH) claims --out results/claims $(ARGS)

# Whether results/README.md and the bars follow from the runs that are stored.
publish-check: build
	@$(NODE) dist/bench/bars.js --check results/bars
	@test ! -d results/precision || $(NODE) dist/bench/precision.js --check results/precision
	@$(SPLICEBENCH) publish --check

# README.md's run, and the bars of docs/bars.md, from stored runs: make readme ARGS='RUN [BARS]'.
readme: build
	@$(NODE) dist/bench/readme.js $(ARGS)

# Newer HAProxy, nginx and Go from the distribution's coming release, into a folder, installing nothing.
RIVALS_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/splicebench/rivals
rivals:
	@sh .ci/rivals.sh $(RIVALS_CACHE)

# How often HAProxy loses the end of a stream, and when it does not: results/findings, and the finding's page.
finding-haproxy: build
	@$(NODE) dist/bench/finding-haproxy.js $(ARGS)

# The tables of columns in docs/reading-results.md and of options in docs/mechanisms.md, from the code.
docs: build
	@$(NODE) dist/bench/columns.js

build: $(ADDON) dist/.built

tools:
	@sh .ci/check-tools.sh

node_modules/.installed: package.json package-lock.json | tools
	@echo 'npm ci'
	@npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(ADDON): node_modules/.installed $(NATIVE_SOURCES)
	@echo 'build native addon'
	@npx --no-install node-gyp rebuild -C native --loglevel=error -j max >native-build.log 2>&1 \
		|| { cat native-build.log; rm -f native-build.log; exit 1; }
	@rm -f native-build.log

dist/.built: node_modules/.installed $(TS_SOURCES)
	@echo 'compile TypeScript'
	@npx --no-install tsc
	@chmod +x dist/src/cli/main.js
	@touch $@

# What every commit passes. Native tests wait more than they compute, what is read meanwhile costs no time.
check:
	@$(MAKE) --no-print-directory -j3 lint unit native-test

# What waits more than it computes, and what the sanitizers need, goes beside the end-to-end tests.
test: build
	@$(MAKE) --no-print-directory -j2 lint unit
	@$(MAKE) --no-print-directory -j3 e2e native-test sanitize-build
	@$(MAKE) --no-print-directory sanitize

lint: build
	@npx --no-install eslint .
	@npx --no-install depcruise src --config .dependency-cruiser.cjs --output-type err
	@npx --no-install knip
	@npx --no-install jscpd --silent >/dev/null || npx --no-install jscpd
	@npx --no-install prettier --check --log-level warn .
	@sh .ci/check-format.sh
	@sh .ci/check-sizes.sh
	@$(NODE) .ci/check-includes.cjs

format: node_modules/.installed
	@npx --no-install eslint --fix . || true
	@npx --no-install prettier --write --log-level warn .
	@find native -path native/build -prune -o \( -name '*.cc' -o -name '*.h' \) -print | xargs clang-format -i

unit: build
	@$(NODE) --test --test-reporter=spec $$(find dist/test/unit -name '*.test.js' | sort)

# Three files at a time: they mostly wait for trials, and know their own processes by a mark. Those that take longest
# come first, so that the end is not one of them alone.
LONGEST = $(patsubst %,dist/test/e2e/%.test.js,bad-luck conformance hosts adversarial nic veth)
e2e: build
	@sh .ci/run-tests.sh 3 $(LONGEST) $$(find dist/test/e2e -name '*.test.js' $(LONGEST:%=! -path %) | sort)

# Says nothing unless it fails.
native-build: build
	@mkdir -p native/test/build
	@$(MAKE) --no-print-directory -C native/test programs >native/test/build/programs.log 2>&1 \
		|| { cat native/test/build/programs.log; exit 1; }

native-test: native-build
	@$(MAKE) --no-print-directory -C native/test test

# One compiles, where it has to, while the other waits for its connections.
sanitize: build
	@$(MAKE) --no-print-directory -j3 sanitize-addon sanitize-address sanitize-thread

# In the background: says nothing unless it fails.
sanitize-build: build
	@nice -n 19 $(MAKE) --no-print-directory $(SANITIZED)/build/Release/splicebench.node
	@nice -n 19 $(MAKE) --no-print-directory -C native/test asan-programs tsan-programs \
		>$(SANITIZED)/programs.log 2>&1 || { cat $(SANITIZED)/programs.log; exit 1; }

sanitize-address sanitize-thread: sanitize-%:
	@$(MAKE) --no-print-directory -C native/test $(patsubst address,asan,$(patsubst thread,tsan,$*))-test

# The addon under AddressSanitizer and UBSan, built from a copy beside the real one.
$(SANITIZED)/build/Release/splicebench.node: $(ADDON) $(NATIVE_SOURCES)
	@echo 'build native addon with sanitizers'
	@rm -rf $(SANITIZED) && mkdir -p $(SANITIZED) && cp -r native/src native/recorder native/binding.gyp $(SANITIZED)
	@SPLICEBENCH_SANITIZE=address,undefined npx --no-install node-gyp rebuild -C $(SANITIZED) \
		--loglevel=error -j max >$(SANITIZED)/build.log 2>&1 || { cat $(SANITIZED)/build.log; exit 1; }

# End to end with that addon: the data paths of test/e2e, and runs with everything in between. A report of
# any process fails it, also of one that outlived the test which looks for reports.
sanitize-addon: build $(SANITIZED)/build/Release/splicebench.node
	@rm -rf $(SANITIZED)/logs && mkdir -p $(SANITIZED)/logs
	@SANITIZED_ADDON=$(CURDIR)/$(SANITIZED)/build/Release/splicebench.node \
		SANITIZER_RUNTIME=$$($(or $(CXX),g++) -print-file-name=libasan.so) \
		SANITIZER_LOGS=$(CURDIR)/$(SANITIZED)/logs \
		sh .ci/run-tests.sh 2 \
		dist/test/e2e/endpoints.test.js $$(find dist/test/sanitized -name '*.test.js' | sort)
	@find $(SANITIZED)/logs -type f -exec cat {} + | { ! grep .; }

clean:
	rm -rf dist node_modules native/build native/test/build
