# What all scripts share. Sourced, never run.
# shellcheck shell=bash

set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

# Go and npm keep their caches in the home folder and refuse to work without one.
if [ -z "${HOME:-}" ]; then
  export HOME="$root/.tools/home"
  mkdir -p "$HOME"
fi

# run prints a command, then runs it.
run() {
  printf '+ %s\n' "$*"
  "$@"
}

# die prints a message for a person and ends the script.
die() {
  printf '%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

have() {
  command -v "$1" >/dev/null 2>&1
}
