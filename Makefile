# What a person types. `make bench` and `make test` need only node >= 20, npm, make, g++ and python3.

SCENARIO ?= loopback
NODE ?= node
SPLICEBENCH = $(NODE) dist/src/cli/main.js
NATIVE_SOURCES = $(shell find native/src native/binding.gyp -type f)
TS_SOURCES = $(shell find src bench test -name '*.ts') tsconfig.json
ADDON = native/build/Release/splicebench.node
SANITIZED = native/build/sanitized
# Options for the run, for example `make bench ARGS=--quick`.
ARGS ?=

.PHONY: bench bars claims honest selftest test build lint format unit e2e native-test clean tools
.PHONY: sanitize sanitize-build sanitize-addon sanitize-address sanitize-thread
.DELETE_ON_ERROR:

bench: build
	@$(SPLICEBENCH) run $(SCENARIO) $(ARGS)

bench-%: build
	@$(SPLICEBENCH) run $* $(ARGS)

# Proves on this host that corruption of every kind would be seen; later reports quote it.
selftest: build
	@$(SPLICEBENCH) selftest $(ARGS)

# The project's own bars, in one interleaved run: results/bars.
bars: build
	@$(NODE) dist/bench/bars.js $(ARGS)

# Honest traffic over all mechanisms, counting false alarms: results/honest. Goes on where it was.
honest: build
	@$(NODE) dist/bench/honest-traffic.js $(ARGS)

# Published claims, judged on this machine: results/claims.
claims: build
	@$(SPLICEBENCH) claims --out results/claims $(ARGS)

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

# What the sanitizers need is compiled with what the end-to-end tests leave of the CPUs.
test: lint unit native-test
	@$(MAKE) --no-print-directory -j2 e2e sanitize-build
	@$(MAKE) --no-print-directory sanitize

lint: build
	@npx --no-install eslint .
	@npx --no-install prettier --check --log-level warn .
	@sh .ci/check-format.sh

format: node_modules/.installed
	@npx --no-install eslint --fix . || true
	@npx --no-install prettier --write --log-level warn .
	@find native -path native/build -prune -o \( -name '*.cc' -o -name '*.h' \) -print | xargs clang-format -i

unit: build
	@$(NODE) --test --test-reporter=spec $$(find dist/test/unit -name '*.test.js' | sort)

# Two files at a time: they mostly wait for trials, and know their own processes by a mark.
e2e: build
	@$(NODE) --test --test-reporter=spec --test-concurrency=2 $$(find dist/test/e2e -name '*.test.js' | sort)

native-test:
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
	@rm -rf $(SANITIZED) && mkdir -p $(SANITIZED) && cp -r native/src native/binding.gyp $(SANITIZED)
	@SPLICEBENCH_SANITIZE=address,undefined npx --no-install node-gyp rebuild -C $(SANITIZED) \
		--loglevel=error -j max >$(SANITIZED)/build.log 2>&1 || { cat $(SANITIZED)/build.log; exit 1; }

# End to end with that addon: the data paths of test/e2e, and runs with everything in between.
sanitize-addon: build $(SANITIZED)/build/Release/splicebench.node
	@rm -rf $(SANITIZED)/logs && mkdir -p $(SANITIZED)/logs
	@SANITIZED_ADDON=$(CURDIR)/$(SANITIZED)/build/Release/splicebench.node \
		SANITIZER_RUNTIME=$$($(or $(CXX),g++) -print-file-name=libasan.so) \
		SANITIZER_LOGS=$(CURDIR)/$(SANITIZED)/logs \
		$(NODE) --test --test-reporter=spec --test-concurrency=1 \
		dist/test/e2e/endpoints.test.js $$(find dist/test/sanitized -name '*.test.js' | sort)

clean:
	rm -rf dist node_modules native/build native/test/build
