# Everything a contributor runs. Works with GNU make 3.81 and a POSIX shell, on
# Linux and macOS. Tools that are not on PATH go into .tools, and nowhere else.

GO ?= go

# Build tags for checking and testing.
LINT_TAGS ?= aliases
TEST_TAGS ?= $(LINT_TAGS)

# Which tests and benchmarks, and how.
RUN        ?=
PKGS       ?= ./...
TESTFLAGS  ?=
BENCH      ?= .
BENCHFLAGS ?= -benchtime 1x

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT  ?= $(shell git rev-parse --verify --quiet HEAD 2>/dev/null || echo unknown)
LDFLAGS  = -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)

lint_tags = $(if $(LINT_TAGS),-tags $(LINT_TAGS))
test_tags = $(if $(TEST_TAGS),-tags $(TEST_TAGS))

# Makes what `make tools` settled on the ones that run, and tells the tests where
# the provider that it builds for them is.
with_tools = . ./.tools/env && export STRATA_TEST_DISK_MIRROR='$(CURDIR)/.tools/providers' &&

# Of the go command, for the module of tools: what one builds the next one has.
tools_env = CGO_ENABLED=0

# Go files that people write: generated ones are not ours to format.
go_files = find . \( -name .git -o -path ./.tools -o -path ./.demo -o -path ./internal/dagger \
	-o -path ./internal/querybuilder -o -path ./internal/telemetry -o -name dagger.gen.go \) -prune \
	-o -name '*.go' -print

policies = testdata/policies

.DEFAULT_GOAL := help
.PHONY: help build demo test lint bench accuracy tools terraform trivy ci-tools bindings engine-test engine-bench clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-12s %s\n", $$1, $$2}' Makefile

build: ## Build bin/strata
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/strata ./cmd/strata

demo: build terraform ## Deploy the example monorepo's staging twice, with a graph between
	@$(with_tools) PATH="$(CURDIR)/bin:$$PATH" ./tools/demo.sh

# The tests of tools read Strata's own packages too, which Go's cache of test
# results does not see.
test: lint ## Lint, then run all tests (RUN=regexp PKGS=./... TESTFLAGS=...)
	@echo '==> tests of tools'
	@cd tools && $(tools_env) $(GO) test -count=1 ./...
	@$(with_tools) race=; \
	if [ "$$($(GO) env CGO_ENABLED)" = 1 ] && command -v "$$($(GO) env CC)" >/dev/null 2>&1; \
	then race=-race; echo '==> tests, with the race detector'; \
	else echo '==> tests, WITHOUT the race detector: it needs cgo and a C compiler'; fi; \
	$(GO) test $$race -timeout 30m $(test_tags) $(if $(RUN),-run '$(RUN)') $(TESTFLAGS) $(PKGS)

lint: tools ## gofmt, go vet, staticcheck, terraform fmt, opa
	@echo '==> gofmt'
	@files=$$($(go_files)); bad=$$(gofmt -l $$files) || exit 1; \
	if [ -n "$$bad" ]; then echo "not formatted (gofmt -w mends it):"; echo "$$bad"; exit 1; fi
	@echo '==> go vet'
	@$(GO) vet $(lint_tags) ./...
	@$(GO) vet -tags engine ./internal/enginetest
	@cd tools && $(tools_env) $(GO) vet ./...
	@echo '==> staticcheck'
	@$(GO) tool -modfile=tools/go.mod staticcheck $(lint_tags) ./...
	@$(GO) tool -modfile=tools/go.mod staticcheck -tags engine ./internal/enginetest
	@echo '==> terraform fmt'
	@$(with_tools) bad=$$("$${STRATA_BINARY:-terraform}" fmt -check -recursive testdata/live) && \
	bad=$$("$${STRATA_BINARY:-terraform}" fmt -check -recursive testdata/tfvars) || \
	{ echo "not formatted (terraform fmt mends it):"; echo "$$bad"; exit 1; }
	@echo '==> opa fmt, opa check, opa test'
	@$(with_tools) if ! command -v opa >/dev/null; then echo 'not checked: opa is missing'; exit 0; fi; \
	bad=$$(opa fmt --list $(policies)) || exit 1; \
	if [ -n "$$bad" ]; then echo "not formatted (opa fmt --write mends it):"; echo "$$bad"; exit 1; fi; \
	opa check --strict $(policies) && opa test $(policies)

bench: tools ## Run the benchmarks (BENCH=regexp BENCHFLAGS='-benchtime 1x')
	@$(with_tools) $(GO) test $(test_tags) -run '^$$' -bench '$(BENCH)' $(BENCHFLAGS) -timeout 0 $(PKGS)

accuracy: tools ## Measure change detection against the files that Terraform opens: all of it, some ten minutes
	@$(with_tools) $(GO) test $(test_tags) ./internal/accuracy -run 'Accuracy' -full -v -count=1 -timeout 0 $(TESTFLAGS)

terraform:
	@cd tools && $(GO) run ./install

# What could not be installed once is tried again when tools are asked for by
# name. The provider is in filesystem-mirror layout, for Terraform and OpenTofu.
tools: ## Find Terraform, OPA and the scanners, or install them into .tools, and build the tests' provider there
	@cd tools && $(GO) run ./install $(if $(filter tools,$(MAKECMDGOALS)),-again) opa tfsec checkov terraform-compliance
	@[ -d .tools/providers ] || echo "tools: building the tests' provider, which takes a minute the first time"
	@cd tools && platform=$$($(GO) env GOOS)_$$($(GO) env GOARCH) && exe=$$($(GO) env GOEXE) && \
	for host in registry.terraform.io registry.opentofu.org; do \
	$(tools_env) $(GO) build -buildvcs=false -ldflags '-s -w' \
	-o "../.tools/providers/$$host/strata-tf/disk/0.1.0/$$platform/terraform-provider-disk_v0.1.0$$exe" ./diskprovider || exit 1; done

trivy: ## Find trivy, or build it into .tools: ten minutes or more, and much memory
	@cd tools && $(GO) run ./install -again trivy

ci-tools: ## Install what runs examples/ci on this machine into .tools/ci (needs npm and python3)
	GOBIN=$(CURDIR)/.tools/ci/bin $(GO) install github.com/nektos/act@v0.2.89
	npm install --no-audit --no-fund --prefix .tools/ci/npm gitlab-ci-local@4.62.0
	python3 -m venv .tools/ci/py && .tools/ci/py/bin/pip install --quiet check-jsonschema==0.39.0
	@command -v rsync >/dev/null || echo 'rsync is not on PATH: gitlab-ci-local needs it'

bindings: ## Generate the Dagger bindings, for editors (needs an engine)
	@./tools/engine.sh
	dagger develop

engine-test: tools ## Run the Dagger module on a real engine, beside the native command (RUN=regexp)
	@./tools/engine.sh
	@$(with_tools) $(GO) test -count=1 -tags engine -timeout 40m $(if $(RUN),-run '$(RUN)') $(TESTFLAGS) ./internal/enginetest

engine-bench: tools ## Measure what the Dagger module costs a unit, beside the native command
	@./tools/engine.sh
	@$(with_tools) $(GO) test -tags engine -run '^$$' -bench . $(BENCHFLAGS) -timeout 0 ./internal/enginetest

clean: ## Remove what make made
	rm -rf bin .tools
