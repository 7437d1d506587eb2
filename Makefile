# The front door; everything real is in CMakeLists.txt and tests/run.
BUILD := build
JOBS := $(shell nproc)

.PHONY: all deps demo check scenarios conformance bench bench-quick clean
all: $(BUILD)/Makefile
	@echo "building in $(BUILD)/"
	@cmake --build $(BUILD) -j $(JOBS) >$(BUILD)/make.log 2>&1 || { cat $(BUILD)/make.log; exit 1; }

deps:
	@.ci/deps

$(BUILD)/Makefile: | deps
	@cmake -S . -B $(BUILD) >$(BUILD).log 2>&1 || { cat $(BUILD).log; exit 1; }
	@rm -f $(BUILD).log

# Build and run the smallest scenario: two containers over a simulated Ethernet segment.
demo: all
	@$(BUILD)/bin/ghostbridge run scenarios/csma-pair.yaml

# Everything that can be tested; ends with one line of counts.
check: all
	@tests/run

# Run everything in scenarios/, one after the other, one line each.
scenarios: all
	@tests/run-scenarios

# How true the simulated links are: measured, in one table. Leave the machine alone meanwhile.
conformance: all
	@tests/run-conformance --out $(BUILD)/conformance.json

# How fast, beside the kernel alone and ns-3's own ways; under 15 minutes, and 3. Leave the machine alone meanwhile.
bench bench-quick: all
	@cmake --build $(BUILD) -j $(JOBS) --target bench-programs >$(BUILD)/make.log 2>&1 || { cat $(BUILD)/make.log; exit 1; }
	@tests/bench/bench.py $(if $(filter bench-quick,$@),--quick) --out $(BUILD)/bench.json

clean:
	@rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-tsan $(BUILD)-fuzz
