# SPDX-License-Identifier: GPL-2.0-only
# bash completion of ghostbridge(1). Names of experiments come from their state directories, names of nodes from status.

_ghostbridge_experiments()
{
	local dir
	for dir in /run/ghostbridge/*/; do
		[[ -d $dir ]] && basename "$dir"
	done
}

_ghostbridge_nodes()
{
	ghostbridge status "$1" 2>/dev/null | sed -n 's/^node \([^:]*\):.*/\1/p'
}

_ghostbridge_links()
{
	ghostbridge status "$1" 2>/dev/null | sed -n 's/^  [^ ]* *on \([^ ]*\) .*/\1/p' | sort -u
}

_ghostbridge()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
	local verbs="run up down ls status exec shell set ovs graph validate replay diff capture doctor help"
	local verb=${COMP_WORDS[1]} options="--help" files=

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W "$verbs --help --version" -- "$cur")
		return
	fi
	case $prev in
	--out)
		compopt -o filenames 2>/dev/null || :
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
		return
		;;
	--format)
		mapfile -t COMPREPLY < <(compgen -W "svg dot" -- "$cur")
		return
		;;
	--name | --set | --write | -w)
		return
		;;
	esac
	case $verb in
	run)
		options+=" --out --name --set --json --keep --record"
		files=y
		;;
	up)
		options+=" --out --name --set --record"
		files=y
		;;
	graph)
		options+=" --format --out --set"
		files=y
		;;
	validate)
		options+=" --set"
		files=y
		;;
	replay)
		options+=" --set --out --pcap --json"
		;;
	diff)
		options+=" --json"
		;;
	capture)
		options+=" --write"
		;;
	down)
		options+=" --all"
		;;
	ls | status | set)
		options+=" --json"
		;;
	help)
		mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$cur")
		return
		;;
	esac
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
	elif [[ -n $files ]]; then
		compopt -o filenames 2>/dev/null || :
		mapfile -t COMPREPLY < <(compgen -d -- "$cur" || :
			compgen -f -X '!*.yaml' -- "$cur" || :
			compgen -f -X '!*.yml' -- "$cur")
	elif [[ $verb == @(replay|diff) ]]; then
		compopt -o filenames 2>/dev/null || :
		mapfile -t COMPREPLY < <(compgen -d -- "$cur")
	elif [[ $verb == down || ($verb == @(status|set|exec|shell|capture) && $COMP_CWORD -eq 2) ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_ghostbridge_experiments)" -- "$cur")
	elif [[ $verb == set && $COMP_CWORD -eq 3 ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_ghostbridge_links "${COMP_WORDS[2]}")" -- "$cur")
	elif [[ $verb == @(exec|shell) && $COMP_CWORD -eq 3 ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_ghostbridge_nodes "${COMP_WORDS[2]}")" -- "$cur")
	fi
}

complete -F _ghostbridge ghostbridge
