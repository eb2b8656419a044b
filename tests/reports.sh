#!/usr/bin/env bash
# Runs lockstep on small worlds made after public reports, each by the command that its CASE.md names, and holds what it says
# against what the report asks for; the last line is the verdict.
#
#   tests/reports.sh                       with the cases at ../shared/reports
#   LOCKSTEP_REPORTS=DIR tests/reports.sh  with the cases at DIR
#   LOCKSTEP=FILE tests/reports.sh         with a binary that is there already, instead of building one
#   tests/reports.sh 42 45                 these cases only, with all that lockstep printed
#
# Needs git and Python 3 with PyYAML. Without the cases it says `skipped` and does nothing.
set -euo pipefail
cd "$(dirname "$0")/.."

verdict="failed"
trap 'echo "reports: $verdict"' EXIT
fail() { verdict="FAILED: $*"; exit 1; }

reports=${LOCKSTEP_REPORTS:-../shared/reports}
if [ ! -f "$reports/cases.tar.xz" ]; then
  [ -z "${LOCKSTEP_REPORTS:-}" ] || fail "LOCKSTEP_REPORTS is $reports, and $reports/cases.tar.xz is not there"
  verdict="skipped: $reports is not here"
  exit 0
fi
python3 -c 'import yaml' 2> /dev/null || fail "Python's yaml is missing: apt-get install python3-yaml"
if [ -z "${LOCKSTEP:-}" ]; then
  cargo build --locked --quiet
  LOCKSTEP="${CARGO_TARGET_DIR:-target}/debug/lockstep"
fi
work="$PWD/target/reports"
rm -rf "$work"
mkdir -p "$work"
tar -C "$work" -xf "$reports/cases.tar.xz"
said=$(python3 tests/reports.py "$(realpath "$LOCKSTEP")" "$work" "$@") || { echo "$said"; fail "$(tail -n 1 <<< "$said")"; }
echo "$said"
verdict="passed: $(tail -n 1 <<< "$said")"
