# Thin over scripts/: each script also runs alone, from any folder.

# What the targets below work on; override as in `make race20 PKG=./actors/...`.
PKG         ?= ./...
FUZZTIME    ?= 10s
BENCH       ?= .
BENCHCOUNT  ?= 1
BENCHFLAGS  ?=
RUNS        ?= 5
TESTTIMEOUT ?= 8m

export FUZZTIME RUNS TESTTIMEOUT

.DEFAULT_GOAL := help
.PHONY: help install test test-slow churn scale outage recovery-full bench bench-go bench-redis lint fmt fuzz race20 conformance client-suites e2e clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: ## Install what the tests need and this machine lacks (system packages, npm packages)
	@scripts/install

test: ## Install what is missing, then go vet and go test -race
	@scripts/test

test-slow: ## Run the tests with stalled and flooding clients in full size (about a minute, no race detector)
	ACTIO_FULL=1 go test -count=1 -timeout 30m -v -run '^Test(Stalled|Flood)' ./tests/hostile

churn: ## Let 20000 connections come and go; heap and goroutines must be what they were (about a minute)
	ACTIO_CHURN=20000 go test -race -count=1 -timeout 30m -v -run '^TestChurn' ./tests/lifecycle

scale: ## Hold 100000 sessions in one process, then 90000 connections in five, 5 minutes each (no race detector)
	ACTIO_FULL=1 go test -count=1 -timeout 40m -v ./tests/scale

outage: ## Kill, stall, fail over and reshard Redis under load, 10 s each, and 100000 questions (some minutes)
	ACTIO_FULL=1 go test -race -count=1 -timeout 40m -v ./tests/outage

recovery-full: ## Recovery with all its clients, cuts and kills, in memory and over Redis streams (some minutes)
	ACTIO_FULL=1 go test -race -count=1 -timeout 20m -v -skip 'InstanceOfManyKilled' ./tests/recovery
	ACTIO_FULL=1 go test -count=1 -v -run 'InstanceOfManyKilled' ./tests/recovery # 400 clients within Recovery.Timeout: without the detector

bench: ## Measure actio beside a floor, Node's socket.io and the Ignis helper, with and without Redis (about 40 minutes)
	@scripts/bench $(BENCHFLAGS)

bench-redis: ## Print what Redis adds to a message between two instances, beside Node's adapter
	go test -run '^$$' -bench . -benchtime 3s ./tests/redisbench

lint: ## golangci-lint, formatting, import directions, go.mod
	@scripts/lint

fmt: ## Format all Go files (gofumpt, goimports)
	@scripts/fmt

bench-go: ## Run Go benchmarks (PKG, BENCH, BENCHCOUNT)
	go test -run '^$$' -bench '$(BENCH)' -benchmem -count=$(BENCHCOUNT) $(PKG)

fuzz: ## Run each fuzz target for FUZZTIME (10s)
	@scripts/fuzz

race20: ## Run the tests of PKG twenty times under the race detector
	go test -race -shuffle=on -count=20 -timeout 30m $(PKG)

conformance: ## Run the official protocol suites RUNS times; SOCKETIO_REPO names a clone of socketio/socket.io
	@scripts/conformance

client-suites: ## Run the suites of the official clients RUNS times (2); SOCKETIO_REPO as for conformance
	@RUNS=$(if $(filter command line environment,$(origin RUNS)),$(RUNS),2) scripts/client-suites

e2e: ## Run the black-box suites: official clients, browser, Redis
	@scripts/install
	go test -race -shuffle=on -count=1 -timeout $(TESTTIMEOUT) ./tests/...

clean: ## Remove installed tools, npm packages and test results
	rm -rf .tools tests/js/node_modules bin dist
	go clean -testcache
