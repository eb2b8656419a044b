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
data=reports
. "$(dirname "$0")/lib/corpus.sh" reports cases.tar.xz
work="$PWD/target/reports"
rm -rf "$work"
mkdir -p "$work"
tar -C "$work" -xf "$corpus/cases.tar.xz"
said=$(python3 tests/reports.py "$lockstep" "$work" "$@") || { echo "$said"; fail "$(tail -n 1 <<< "$said")"; }
echo "$said"
verdict="passed: $(tail -n 1 <<< "$said")"
