#!/usr/bin/env bash
# Reads payloads from Debian's docker-registry; the last line is the verdict.
#
#   tests/registry.sh                 needs docker-registry, curl and Python 3; without the first it says `skipped`
#   LOCKSTEP=FILE tests/registry.sh   with a binary that is there already, instead of building one
#
# Images of several layers are pushed over HTTP: plain, gzip and zstd, with a whiteout, and as a list for two architectures.
# `build-config` of the demo then names what each of them has, and a second run asks for no layer.
set -euo pipefail
cd "$(dirname "$0")/.."

verdict="failed" registry=""
trap '[ -z "$registry" ] || kill "$registry" 2> /dev/null || true; echo "registry: $verdict"' EXIT
fail() { verdict="FAILED: $*"; exit 1; }

if ! command -v docker-registry > /dev/null; then
  [ "${CI:-}" != true ] || fail "docker-registry is not installed"
  verdict="skipped: docker-registry is not installed"
  exit 0
fi
if [ -z "${LOCKSTEP:-}" ]; then
  cargo build --locked --quiet
  LOCKSTEP="${CARGO_TARGET_DIR:-target}/debug/lockstep"
fi
lockstep=$(realpath "$LOCKSTEP")
work=$(mktemp -d)
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat > "$work/registry.yml" <<YAML
version: 0.1
log: {accesslog: {disabled: false}}
storage: {filesystem: {rootdirectory: $work/images}}
http: {addr: "127.0.0.1:$port"}
YAML
docker-registry serve "$work/registry.yml" > "$work/registry.log" 2>&1 &
registry=$!
for _ in $(seq 100); do
  curl -sf "http://127.0.0.1:$port/v2/" > /dev/null && break
  kill -0 "$registry" 2> /dev/null || fail "the registry ended: $(tail -n 2 "$work/registry.log")"
  sleep 0.1
done

python3 - "$port" <<'PY'
import gzip, hashlib, io, json, sys, tarfile, urllib.request

base = f"http://127.0.0.1:{sys.argv[1]}"
MANIFEST, LIST = "application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.index.v1+json"

def send(method, url, data=b"", kind="application/octet-stream"):
    request = urllib.request.Request(url, data=data, method=method, headers={"Content-Type": kind})
    return urllib.request.urlopen(request)

def digest(data): return "sha256:" + hashlib.sha256(data).hexdigest()

def blob(data):
    location = send("POST", f"{base}/v2/okd/release/blobs/uploads/").headers["Location"]
    send("PUT", location + ("&" if "?" in location else "?") + "digest=" + digest(data), data)
    return {"digest": digest(data), "size": len(data)}

def tar(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as t:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            t.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()

def zstd(data):
    """A frame of blocks that are stored as they are: nothing here can compress, and every decoder reads it."""
    out = bytes.fromhex("28b52ffd") + b"\xa0" + len(data).to_bytes(4, "little")
    parts = [data[at:at + 100_000] for at in range(0, len(data), 100_000)]
    for at, part in enumerate(parts):
        out += (len(part) << 3 | (at == len(parts) - 1)).to_bytes(3, "little") + part
    return out

def manifest(tag, content, kind):
    data = json.dumps(content).encode()
    send("PUT", f"{base}/v2/okd/release/manifests/{tag}", data, kind)
    return {"mediaType": kind, "digest": digest(data), "size": len(data)}

def image(tag, *layers):
    form = {"": lambda data: data, "+gzip": gzip.compress, "+zstd": zstd}
    described = [{"mediaType": "application/vnd.oci.image.layer.v1.tar" + how, **blob(form[how](tar(files)))}
                 for how, files in layers]
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", **blob(b"{}")}
    return manifest(tag, {"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": described}, MANIFEST)

def payload(tag):
    stream = {"kind": "ImageStream", "metadata": {"name": tag}, "spec": {"tags": [{"name": "from-" + tag}]}}
    metadata = {"kind": "cincinnati-metadata-v0", "version": tag}
    return {"release-manifests/image-references": json.dumps(stream), "release-manifests/release-metadata": json.dumps(metadata)}

below = ("+gzip", payload("below"))
other = ("", {"usr/bin/cvo": "x" * 300_000})
image("plain", below, ("", payload("plain")))
image("gzip", below, other, ("+gzip", payload("gzip")))
image("zstd", below, other, ("+zstd", payload("zstd")))
image("below", below, ("+zstd", {"etc/x": "y"}))
image("gone", below, ("+gzip", {"release-manifests/.wh.image-references": ""}))
entries = [{**image(arch, ("+gzip", payload(arch))), "platform": {"os": "linux", "architecture": arch}} for arch in ("amd64", "arm64")]
manifest("list", {"schemaVersion": 2, "mediaType": LIST, "manifests": entries}, LIST)
PY

cp -r fixtures/demo "$work/demo"
rm -rf "$work/demo/state" "$work/demo/out"
# Prints the version of the last payload and its tag, or what is said of it.
of() {
  sed "/^  components:/a\\  payload: {image-references: \"127.0.0.1:$port/okd/release:$1\", architecture: ${2:-amd64}}" \
    fixtures/demo/lockstep.yaml > "$work/demo/lockstep.yaml"
  "$lockstep" build-config --format json --config "$work/demo/lockstep.yaml" 2> "$work/stderr.txt" | python3 -c '
import json, sys
d = json.load(sys.stdin)
p = d["payload"]
found = [f["message"].split(": ", 1)[1] for f in d["findings"] if f["code"] == "unreadable-payload"]
tags = [name for name, tag in p["tags"].items() if tag.get("last")]
print(*([p["last"]["version"]] + tags if "last" in p else found))'
}
expect() { [ "$2" = "$3" ] || fail "$1: expected \`$3\`, got \`$2\` ($(tail -n 2 "$work/stderr.txt"))"; }
for tag in plain gzip zstd below; do expect "$tag" "$(of $tag)" "$tag from-$tag"; done
expect "the list for amd64" "$(of list)" "amd64 from-amd64"
expect "the list for arm64" "$(of list arm64)" "arm64 from-arm64"
expect "a whiteout" "$(of gone)" "the image has no file release-manifests/image-references; is it a release image?"
expect "no such tag" "$(of missing)" "the registry has no such image"
layers() { grep -c 'GET /v2/okd/release/blobs' "$work/registry.log" || true; }
before=$(layers)
[ "$before" -gt 0 ] || fail "the registry's log names no layer"
expect "gzip again" "$(of gzip)" "gzip from-gzip"
expect "layers asked for by a second run" "$(layers)" "$before"
rm -rf "$work"
verdict="passed: three compressions, a list, a whiteout, and nothing read twice"
