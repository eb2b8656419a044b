# Sourced by the scripts that hold the program against real data. What it sets: `verdict`, told in the last line however the
# script ends; `fail WHY` and `expect WHAT FOUND WANTED`; `corpus` and `lockstep`, whole paths. The project's folder is the current one.
#
#   . "$(dirname "$0")/lib/corpus.sh" NAME PART...   NAME: what the last line is about; PART: what of the corpus is needed
#
# LOCKSTEP_CORPUS says where the corpus is, else ../shared/corpus; without it the script says `skipped` and ends well.
# LOCKSTEP names a binary that is there already; else one is built.
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

verdict="failed"
about=$1
shift
trap 'echo "$about: $verdict"' EXIT

fail() { verdict="FAILED: $*"; exit 1; }
expect() { [ "$2" = "$3" ] || fail "$1: expected \`$3\`, got \`$2\`"; }

corpus=${LOCKSTEP_CORPUS:-../shared/corpus}
for part in "$@"; do
  if [ ! -e "$corpus/$part" ]; then
    [ -z "${LOCKSTEP_CORPUS:-}" ] || fail "LOCKSTEP_CORPUS is $corpus, and $corpus/$part is not there"
    verdict="skipped: $corpus is not here"
    exit 0
  fi
done
corpus=$(cd "$corpus" && pwd)
python3 -c 'import yaml' 2> /dev/null || fail "Python's yaml is missing: apt-get install python3-yaml"
if [ -z "${LOCKSTEP:-}" ]; then
  cargo build --locked --quiet
  LOCKSTEP="${CARGO_TARGET_DIR:-target}/debug/lockstep"
fi
lockstep=$(realpath "$LOCKSTEP")
