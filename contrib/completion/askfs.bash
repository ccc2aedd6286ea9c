# SPDX-License-Identifier: Apache-2.0
# Completion of askfs for bash.

_askfs_mounts() {
	awk '/ - fuse\.askfs / { print $5 }' \
		/proc/self/mountinfo 2> /dev/null
}

_askfs() {
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local command=${COMP_WORDS[1]-} options=
	COMPREPLY=()

	if [ "$COMP_CWORD" = 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W \
			"mount unmount status ask doctor check reindex extract eval --help --version" -- "$current")
		return
	fi
	case $previous in
	--state)
		mapfile -t COMPREPLY < <(compgen -d -- "$current")
		return
		;;
	--config)
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		return
		;;
	esac
	case $command in
	mount) options="-f -o --state --config" ;;
	unmount) options="--lazy" ;;
	status) options="--watch --wait" ;;
	ask) options="-s" ;;
	doctor | check | reindex) options="--config --state" ;;
	extract) options="--config" ;;
	eval) options="--against" ;;
	esac
	if [[ $current == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options --help --version" -- "$current")
		return
	fi
	case $command in
	unmount | status | ask | check | reindex)
		mapfile -t COMPREPLY < <(compgen -W "$(_askfs_mounts)" -- "$current"
			compgen -d -- "$current")
		;;
	mount) mapfile -t COMPREPLY < <(compgen -d -- "$current") ;;
	eval | extract) mapfile -t COMPREPLY < <(compgen -f -- "$current") ;;
	esac
}

complete -o filenames -F _askfs askfs
