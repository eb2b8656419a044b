# Sourced by the scripts that hold the program against real data. What it sets: `verdict`, told in the last line however the
# script ends; `fail WHY` and `expect WHAT FOUND WANTED`; `corpus` and `lockstep`, whole paths. The project's folder is the current
# one. A folder that the script names in `scratch` goes when it ends.
#
#   . "$(dirname "$0")/lib/corpus.sh" NAME PART...   NAME: what the last line is about; PART: what of the corpus is needed
#
# LOCKSTEP_CORPUS says where the corpus is, else ../shared/corpus; without it the script says `skipped` and ends well.
# LOCKSTEP names a binary that is there already; else one is built. With `data=reports` before it, all of that is about the data of
# that name: LOCKSTEP_REPORTS, ../shared/reports. With `binary=no` before it the script needs neither a binary nor Python.
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

verdict="failed"
about=$1
shift
scratch=
trap '[ -z "$scratch" ] || rm -rf "$scratch"; echo "$about: $verdict"' EXIT

fail() { verdict="FAILED: $*"; exit 1; }
expect() { [ "$2" = "$3" ] || fail "$1: expected \`$3\`, got \`$2\`"; }

variable="LOCKSTEP_${data:=corpus}"
variable=${variable^^}
corpus=${!variable:-../shared/$data}
for part in "$@"; do
  if [ ! -e "$corpus/$part" ]; then
    [ -z "${!variable:-}" ] || fail "$variable is $corpus, and $corpus/$part is not there"
    verdict="skipped: $corpus is not here"
    exit 0
  fi
done
corpus=$(cd "$corpus" && pwd)
if [ "${binary:-yes}" = yes ]; then
  python3 -c 'import yaml' 2> /dev/null || fail "Python's yaml is missing: apt-get install python3-yaml"
  if [ -z "${LOCKSTEP:-}" ]; then
    cargo build --locked --quiet
    LOCKSTEP="${CARGO_TARGET_DIR:-target}/debug/lockstep"
  fi
  lockstep=$(realpath "$LOCKSTEP")
fi
