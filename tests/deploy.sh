#!/usr/bin/env bash
# Checks deploy/: renders the overlays and holds every object against schemas and OpenShift's restricted-v2, tries the alerts,
# builds from what the image's build may see, and runs the binary as an unknown user on a read-only root.
#
#   tests/deploy.sh            needs python3 with pip, node with npm, promtool (Debian's `prometheus`), and root for the last part
set -euo pipefail
cd "$(dirname "$0")/.."
checks=tests/deploy out=target/deploy tools=$PWD/target/deploy-tools
lockstep=${LOCKSTEP:-target/debug/lockstep}
export PYTHONPATH=$tools PATH=$tools/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PIP_ROOT_USER_ACTION=ignore

part() { printf -- '--- %s\n' "$*"; }

install_tools() {
  if ! cmp -s "$checks/requirements.txt" "$tools/requirements.txt"; then
    rm -rf "$tools"
    env -u PYTHONPATH python3 -m pip install --quiet --disable-pip-version-check --target "$tools" -r "$checks/requirements.txt"
    cp "$checks/requirements.txt" "$tools/"
  fi
  (cd "$checks" && npm ci --silent --no-audit --no-fund)
}

# Renders a folder, or a folder with a component on top: NAME FOLDER [COMPONENT]...
render() {
  local name=$1 folder=$2 component dir
  shift 2
  dir=$out/kustomize/$name
  mkdir -p "$dir"
  {
    printf 'apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [../../../../%s]\n' "$folder"
    [ $# -eq 0 ] || printf 'components:\n'
    for component in "$@"; do printf -- '- ../../../../%s\n' "$component"; done
  } > "$dir/kustomization.yaml"
  kubectl kustomize "$dir" > "$out/$name.yaml"
}

check_objects() {
  render single deploy/overlays/single
  render highly-available deploy/overlays/highly-available
  render one-shot deploy/overlays/one-shot
  render with-webhooks deploy/overlays/highly-available deploy/components/webhook-ingress
  render plain-service deploy/overlays/single deploy/components/plain-kubernetes
  render plain-one-shot deploy/overlays/one-shot deploy/components/plain-kubernetes
  render with-results deploy/overlays/single deploy/components/results-of-cluster
  python3 "$checks/check.py" "$out"/{single,highly-available,one-shot,with-webhooks,with-results}.yaml
  python3 "$checks/check.py" --fixed-group "$out"/{plain-service,plain-one-shot}.yaml
  python3 "$checks/check.py" deploy/tekton/task.yaml deploy/prow/periodic.yaml
  python3 "$checks/check.py" --self-test "$out"/{single,one-shot,highly-available}.yaml
  for overlay in single highly-available one-shot; do
    python3 "$checks/part.py" objects "$out/$overlay.yaml" > "$out/$overlay.json"
  done
  (cd "$checks" && node operator.mjs "$OLDPWD/$out"/{single,highly-available,one-shot}.json)
  "$checks/node_modules/.bin/tekton-lint" deploy/tekton/task.yaml
}

check_alerts() {
  for overlay in highly-available one-shot; do
    python3 "$checks/part.py" rules "$out/$overlay.yaml" > "$out/$overlay.rules.yaml"
    promtool check rules --lint-fatal "$out/$overlay.rules.yaml"
  done
  cp "$checks/alerts_test.yaml" "$out/"
  (cd "$out" && promtool test rules alerts_test.yaml)
  python3 "$checks/part.py" tested "$out"/{highly-available,one-shot}.yaml "$checks/alerts_test.yaml"
}

check_configurations() {
  for overlay in single highly-available one-shot; do
    python3 "$checks/part.py" config "$out/$overlay.yaml" > "$out/$overlay.lockstep.yaml"
    "$lockstep" config check --config "$out/$overlay.lockstep.yaml"
  done
  # Two replicas differ from one by their lease, and by nothing else.
  diff "$out/single.lockstep.yaml" <(grep -v '^lease:' "$out/highly-available.lockstep.yaml")
}

# Checks the program on the files that the Containerfile copies, where nothing else is.
check_containerfile() {
  local context=$out/context
  hadolint --failure-threshold style deploy/Containerfile
  rm -rf "$context"
  python3 "$checks/context.py" "$context"
  (cd "$context" && CARGO_TARGET_DIR="$OLDPWD/target" cargo check --locked --quiet --bin lockstep)
  echo "the program can be built from what the Containerfile copies"
}

part "tools"
install_tools
rm -rf "$out"
mkdir -p "$out"
part "objects"
check_objects
part "alerts"
check_alerts
part "configurations"
check_configurations
part "the image"
check_containerfile
part "an unknown user on a read-only root"
LOCKSTEP="$lockstep" METRICS="$PWD/$out/metrics.txt" "$checks/read_only.sh"
python3 "$checks/part.py" served "$out/highly-available.yaml" "$out/metrics.txt"
echo "deploy: all checks passed"
