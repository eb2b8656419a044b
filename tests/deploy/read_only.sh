#!/usr/bin/env bash
# Runs lockstep as OpenShift would: as a user id that no file knows, without any right, on a root that nobody can write to, with
# volumes for the state and /tmp alone. The root holds what the image's base does: the C library, certificates, no shell.
set -euo pipefail
cd "$(dirname "$0")/../.."
lockstep=${LOCKSTEP:-target/debug/lockstep}
uid=1000690000
metrics=${METRICS:-}

# Mounting a root takes root.
[ "$(id -u)" -eq 0 ] || exec sudo --preserve-env=LOCKSTEP "$0"
if [ -z "${LOCKSTEP_OWN_MOUNTS:-}" ]; then LOCKSTEP_OWN_MOUNTS=1 exec unshare --mount --propagation private "$0"; fi

room=$(mktemp -d)
root=$room/root
# The mounts go with this process's own view of them; what is below stays for the trap.
trap 'umount -R "$root" 2> /dev/null || true; rm -rf "$room"' EXIT

lay_root() {
  local library
  mkdir -p "$root"/{usr/bin,etc/ssl/certs,etc/lockstep,run/secrets/lockstep,var/lib/lockstep,tmp,proc,dev}
  install -m 0755 "$lockstep" "$root/usr/bin/lockstep"
  for library in $(ldd "$lockstep" | grep -oE '/[^ ]+'); do install -D -m 0755 "$library" "$root$library"; done
  if [ -r /etc/ssl/certs/ca-certificates.crt ]; then cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"; fi
  printf 'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n' > "$root/etc/passwd"
  cp -r fixtures/demo/repos "$root/etc/lockstep/repos"
  sed -e 's,dir: out,dir: /var/lib/lockstep/out,' -e 's,^state: .*,state: /var/lib/lockstep/state,' fixtures/demo/lockstep.yaml \
    > "$root/etc/lockstep/lockstep.yaml"
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  {
    cat "$root/etc/lockstep/lockstep.yaml"
    printf 'listen: 127.0.0.1:%s\nserver: {token-file: /run/secrets/lockstep/server-token}\n' "$port"
  } > "$root/etc/lockstep/serve.yaml"
  echo a-token-of-this-test > "$root/run/secrets/lockstep/server-token"
  mount --bind "$root" "$root"
  mount -o remount,ro,bind "$root"
  mount -t tmpfs -o mode=1777 tmp "$root/tmp"
  mount -t tmpfs -o "mode=2770,uid=0,gid=$uid" state "$root/var/lib/lockstep"
  mount --rbind /proc "$root/proc"
  mount -t tmpfs -o mode=755 dev "$root/dev"
  touch "$root/dev/null"
  mount --bind /dev/null "$root/dev/null"
}

# As OpenShift: the first group is root's, and the volumes' group is added.
inside=(env -i PATH=/usr/sbin:/usr/bin setpriv --no-new-privs chroot "--userspec=$uid:0" "--groups=$uid" "$root" /usr/bin/lockstep)

expect() { # EXIT-CODE ARGUMENT...
  local expected=$1 code=0
  shift
  "${inside[@]}" "$@" > "$room/stdout" 2> "$room/stderr" || code=$?
  [ "$code" -eq "$expected" ] && return
  echo "read_only.sh: exit code $code instead of $expected: lockstep $*" >&2
  cat "$room/stdout" "$room/stderr" >&2
  return 1
}

expect_line() { # FILE TEXT
  grep -qF "$2" "$room/$1" || { echo "read_only.sh: no \"$2\" in:" >&2; cat "$room/$1" >&2; return 1; }
}

one_shot() {
  # The demo has a broken metadata file: what it says could not be compared, which wins over drift.
  expect 1 plan --exit-code --config /etc/lockstep/lockstep.yaml
  grep -q '^Drift: 5 files' "$room/stdout" && grep -q '^Not compared: ' "$room/stdout"
  expect 0 reconcile --config /etc/lockstep/lockstep.yaml
  expect_line stdout "openshift/release ci 4.16: new pull request"
  expect 0 reconcile --config /etc/lockstep/lockstep.yaml
  expect_line stdout "up to date"
  if grep -q warning "$room/stderr"; then cat "$room/stderr" >&2; return 1; fi
  echo "user $uid, read-only root: the one-shot command opens the demo's pull request, and finds it up to date the second time"
}

# A state that cannot be written to costs the cache, loudly, and nothing else.
without_state() {
  local state=$root/var/lib/lockstep/state
  mount --bind "$state" "$state"
  mount -o remount,ro,bind "$state"
  expect 1 plan --exit-code --config /etc/lockstep/lockstep.yaml
  expect_line stderr "goes without the cache"
  umount "$state"
  echo "user $uid, read-only state: the plan is there all the same, with a warning"
}

# The service there: it gets ready, shows metrics to who has the token, and ends when it is told to.
service() {
  local pid code=0
  "${inside[@]}" serve --config /etc/lockstep/serve.yaml > "$room/stdout" 2> "$room/stderr" &
  pid=$!
  python3 tests/deploy/ask.py "http://127.0.0.1:$port" "$root/run/secrets/lockstep/server-token" > "$room/metrics" || code=$?
  kill -TERM "$pid" || true
  wait "$pid" || code=$?
  if [ "$code" -ne 0 ]; then echo "read_only.sh: the service failed ($code)" >&2; cat "$room/stderr" >&2; return 1; fi
  if grep -qE 'WARN|ERROR' "$room/stderr"; then cat "$room/stderr" >&2; return 1; fi
  if [ -n "$metrics" ]; then cp "$room/metrics" "$metrics"; fi
  echo "user $uid, read-only root: the service gets ready, answers, and ends with the code 0"
}

lay_root
if [ -w "$root/etc" ] && touch "$root/etc/x" 2> /dev/null; then echo "read_only.sh: the root can be written to" >&2; exit 1; fi
one_shot
without_state
service
