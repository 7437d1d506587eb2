# The front door; everything real is in CMakeLists.txt and tests/run.
BUILD := build
JOBS := $(shell nproc)

.PHONY: all deps demo check clean
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

clean:
	@rm -rf $(BUILD) $(BUILD)-asan $(BUILD)-tsan $(BUILD)-fuzz
