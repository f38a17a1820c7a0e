# What the scripts share that run official test suites: a server in front of which they run, and mocha. Sourced, never run.
# The sourcing script sets work (a temporary folder) and server (the server's process id, empty while there is none).
# shellcheck shell=bash

work=""
server=""

clean_up() {
  stop_server || true
  [ -z "$work" ] || rm -rf "$work"
}

# need_repo takes SOCKETIO_REPO to an absolute path.
need_repo() {
  [ -n "${SOCKETIO_REPO:-}" ] || die "SOCKETIO_REPO must name a clone of github.com/socketio/socket.io"
  SOCKETIO_REPO=$(cd "$SOCKETIO_REPO" && pwd) || die "SOCKETIO_REPO: no such folder"
}

# take_from_repo unpacks paths of the clone's newest commit under a folder.
take_from_repo() {
  local to="$1" dir="$SOCKETIO_REPO"
  shift
  if [ -e "$dir/.git" ]; then
    dir=$(git -C "$SOCKETIO_REPO" rev-parse --absolute-git-dir)
  fi
  mkdir -p "$to"
  git --git-dir="$dir" archive HEAD "$@" | tar -x -C "$to" || die "SOCKETIO_REPO is no clone of socketio/socket.io: it lacks $*"
}

# port_open PORT tells whether somebody listens there.
port_open() {
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# start_server PACKAGE SUITE PORT LOG starts the program of a package, or PEER, and waits until it listens.
start_server() {
  local package="$1" suite="$2" port="$3" log="$4" command
  if port_open "$port"; then
    die "something already listens on port $port"
  fi
  if [ -n "${PEER:-}" ]; then
    command="$PEER"
  else
    run go build -buildvcs=false -o "$work/server" "$package"
    command="$work/server"
  fi
  printf '+ %s\n' "$command -listen 127.0.0.1:$port -suite $suite"
  # shellcheck disable=SC2086 # PEER is a command with arguments
  $command -listen "127.0.0.1:$port" -suite "$suite" >"$log" 2>&1 &
  server=$!
  for _ in $(seq 100); do
    port_open "$port" && return 0
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  cat "$log" >&2
  die "the server for $suite did not start"
}

# stop_server fails when the server does not end by itself after a SIGTERM.
stop_server() {
  local stuck=0
  [ -n "$server" ] || return 0
  kill "$server" 2>/dev/null || true
  for _ in $(seq 100); do
    kill -0 "$server" 2>/dev/null || break
    sleep 0.1
  done
  if kill -9 "$server" 2>/dev/null; then
    stuck=1
  fi
  wait "$server" 2>/dev/null || true
  server=""
  return $stuck
}

# mocha FOLDER REPORT LIMIT ARGUMENTS... runs the mocha of a folder and has it write a report. --exit, because a server that
# leaves a poll open would hang it for ever; the limit in seconds, because even so a test may never settle. It runs as a
# process group of its own, of which nothing is left afterwards: some tests start programs and forget them.
mocha() {
  local folder="$1" report="$2" limit="$3" command="" group
  shift 3
  have timeout && command="timeout --foreground $limit"
  set -m
  # The suites say localhost, servers listen on 127.0.0.1.
  # shellcheck disable=SC2086
  (cd "$folder" && NODE_OPTIONS=--dns-result-order=ipv4first \
    $command "$mocha_command" --exit --reporter json --reporter-option "output=$report" "$@") >"$report.log" 2>&1 &
  group=$!
  set +m
  wait "$group" 2>/dev/null || true
  kill -9 -- "-$group" 2>/dev/null || true
}

# run_mocha SUITE RUN FOLDER REPORT LIMIT TESTS PENDING ARGUMENTS... runs a suite once and prints its counts; it fails unless
# all tests passed.
run_mocha() {
  local suite="$1" nth="$2" folder="$3" report="$4" limit="$5" want="$6" pending="$7"
  shift 7
  mocha "$folder" "$report" "$limit" "$@"
  printf '%s run %d: ' "$suite" "$nth"
  if [ ! -s "$report" ]; then
    printf 'no result\n'
    cat "$report.log"
    return 1
  fi
  node tests/js/suite-report.mjs "$report" "$want" "$pending"
}

# judge SUITE FAILED LOG ends the server, and adds the suite to failures unless all went well.
judge() {
  local suite="$1" failed="$2" log="$3"
  kill -0 "$server" 2>/dev/null || die "the server for $suite ended before the suite did: $(cat "$log")"
  if ! stop_server; then
    printf '%s: the server did not end within 10 s of SIGTERM\n' "$suite"
    failed=$((failed + 1))
  fi
  if [ "$failed" -gt 0 ]; then
    printf '%s\n' "--- output of the server for $suite" >&2
    tail -n 100 "$log" >&2
    failures="$failures $suite"
  fi
}
