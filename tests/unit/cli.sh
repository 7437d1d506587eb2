#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The command line's manners: exit status and words for what needs neither root nor a lab, and bash completion.
# usage: cli.sh GHOSTBRIDGE SOURCE-DIR
ghostbridge=$1
source_dir=$2
scenario=$source_dir/scenarios/csma-pair.yaml
failed=0

# check STATUS TEXT ARGUMENT...: exits with STATUS and says TEXT, on stdout for 0 and on stderr else
check()
{
	local status=$1 text=$2 out rc # and err, which stays
	shift 2
	err=$("$ghostbridge" "$@" 2>&1 >/dev/null </dev/null)
	out=$("$ghostbridge" "$@" 2>/dev/null </dev/null)
	rc=$?
	if ((status)); then
		out=$err
	fi
	if [[ $rc -ne $status || $out != *"$text"* ]]; then
		echo "FAIL: ghostbridge $*: status $rc (expected $status), said: $out"
		failed=1
	fi
}

# completes WORDS EXPECTED...: the last word of WORDS is completed to EXPECTED
completes()
{
	read -ra COMP_WORDS <<<"$1"
	[[ $1 == *' ' ]] && COMP_WORDS+=("")
	COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
	shift
	_ghostbridge
	if [[ ${COMPREPLY[*]} != "$*" ]]; then
		echo "FAIL: completion of '${COMP_WORDS[*]}': ${COMPREPLY[*]} (expected $*)"
		failed=1
	fi
}

check 0 "usage:" --help
check 0 "usage:" help
check 0 "ghostbridge 0." --version
for verb in run up down ls status exec shell set graph validate doctor; do
	check 0 "usage: ghostbridge $verb" help $verb
	check 0 "usage: ghostbridge $verb" $verb --help
done
check 2 "usage:"
check 2 "did you mean 'run'?" rnu
check 2 "did you mean 'status'?" stauts
check 2 "there is no verb 'qqqq'" qqqq
check 2 "did you mean '--version'?" --versoin
check 2 "did you mean '--json'?" run --jsn x
check 2 "unknown option '-x'" run -x
check 2 "--out needs a value" run --out
check 2 "something is missing" run
check 2 "too many arguments" run a b
check 2 "No such file" run /nonexistent.yaml
check 2 "Is a directory" validate /
check 2 "usage:" down
check 2 "usage:" down --all x
check 2 "there is no command" exec a b --
check 2 "there is no running experiment" status no-such-experiment
check 2 "there is no running experiment" exec no-such-experiment h1 true
check 2 "there is no running experiment" shell no-such-experiment h1
check 2 "there is no running experiment" status ../../etc
check 0 "ok: 2 nodes, 1 link" validate "$scenario"
check 0 "ok" validate --set lan.delay=5ms "$scenario"
check 0 "ok" validate --set lag=5ms "$scenario"
[[ $err == *"warning: links.lan: lag is 5ms and lan's delay is only"* ]] || { echo "FAIL: no warning: $err"; failed=1; }
check 2 "has no unit" validate --set lan.delay=5 "$scenario"
check 2 ":1:1: " validate /etc/passwd

# An experiment is named by its file, whatever the file is called.
names=$(mktemp -d)
for file in "$names/My LAN.yaml" "$names/lan.v2.yml" "$names/_x" "$names/---.json" "$names/$(printf 'a%.0s' {1..60}).yaml"; do
	printf "ghostbridge: 1\nnodes: {h1: {}}\n" >"$file"
	check 0 "ok" validate "$file"
done
check 0 'graph "my-lan"' graph --format dot "$names/My LAN.yaml"
rm -r "$names"
for verb in "validate $scenario" "graph --format dot $scenario" "--help"; do
	# shellcheck disable=SC2086 # words
	"$ghostbridge" $verb >/dev/full 2>/dev/null
	[[ $? -eq 3 ]] || { echo "FAIL: $verb to a full device"; failed=1; }
done
"$ghostbridge" validate "$scenario" >&- 2>&- <&- || { echo "FAIL: validate with all files closed"; failed=1; }

cd "$source_dir" || exit 1
# shellcheck source=/dev/null
source completions/ghostbridge.bash
check 0 'graph "csma-pair"' graph --format dot "$scenario"
check 0 '100 Mbit/s' graph --format dot "$scenario"
check 0 "FQ-CoDel" graph --format dot "$source_dir/scenarios/bufferbloat.yaml"
check 0 "mtu 9000" graph --format dot "$source_dir/scenarios/jumbo.yaml"
check 0 "OfdmRate6Mbps" graph --format dot "$source_dir/scenarios/wifi-hidden-terminal.yaml"
check 0 "range" graph --format dot "$source_dir/scenarios/wifi-hidden-terminal.yaml"
check 2 "is not a format" graph --format png "$scenario"
check 2 ":1:1: " graph /etc/passwd
check 2 "something is missing" set a b
check 2 "is not KEY=VALUE" set a b c
check 2 "there is no running experiment" set no-such-experiment lan delay=5ms
if command -v dot >/dev/null; then
	check 0 "</svg>" graph "$scenario"
	# Every kind of node and link: Graphviz itself says whether it is a graph.
	for file in "$source_dir"/scenarios/*.yaml; do
		complaint=$("$ghostbridge" graph --format dot "$file" | dot -Tcanon 2>&1 >/dev/null) || complaint="no graph"
		if [[ -n $complaint ]]; then
			echo "FAIL: graph of $file: $complaint"
			failed=1
		fi
	done
fi
PATH=/nonexistent check 3 "apt-get install graphviz" graph "$scenario"

completes "ghostbridge v" validate
completes "ghostbridge s" status shell set
completes "ghostbridge graph --f" --format
completes "ghostbridge graph --format s" svg
completes "ghostbridge help d" down diff doctor
completes "ghostbridge run --k" --keep
completes "ghostbridge up --k"
completes "ghostbridge down --" --help --all
completes "ghostbridge run scenar" scenarios
completes "ghostbridge run scenarios/csma-p" scenarios/csma-pair.yaml
exit $failed
