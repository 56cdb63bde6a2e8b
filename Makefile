# What people type. Everything works from a fresh clone; 'make test' installs
# what it needs where it may.

GO ?= go
FUZZTIME ?= 30s

CHAOS ?= 5m

.PHONY: run build test chaos bench bench-latency bench-scale fuzz clean

run: build ## a whole office in one process, to look at
	@bin/mailsyncd demo

build:
	@CGO_ENABLED=0 $(GO) build -trimpath -o bin/ ./cmd/mailsyncd

test: ## everything, against real servers; a server that is missing is a failure
	@.ci/servers
	CI=true $(GO) test -race -timeout 20m ./...

chaos: ## processes, servers and connections fail in random order; SEED repeats one
	@.ci/servers
	CI=true CHAOS=$(CHAOS) SEED=$(SEED) $(GO) test -race -count=1 -timeout 2h -v -run 'TestChaos$$' ./cmd/mailsyncd

bench: ## how fast, beside bare sockets and go-imap's client (docs/performance.md)
	@.ci/servers
	@$(GO) run ./cmd/bench

bench-latency: ## from mail to signed webhook, beside the mail server's own notice
	@.ci/servers
	@$(GO) run ./cmd/bench -latency

bench-scale: ## thousands of mailboxes, processes that are killed, both databases (docs/performance.md)
	@.ci/servers
	@$(GO) run ./cmd/bench -scale

fuzz:
	@.ci/fuzz $(FUZZTIME)

clean:
	rm -rf bin
