#!/bin/sh
# Succeeds if a Dagger engine answers, and says why not otherwise.
set -eu

if ! command -v dagger >/dev/null 2>&1; then
	echo "no Dagger engine: the dagger command is not on PATH (https://docs.dagger.io/install)" >&2
	exit 1
fi
if ! answer=$(dagger core version 2>&1 </dev/null); then
	echo "no Dagger engine answers:" >&2
	printf '%s\n' "$answer" | tail -n 5 >&2
	exit 1
fi
