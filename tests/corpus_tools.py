"""What the scripts about real inputs have in common: running programs, reading YAML, schemas, and builds from stand-ins."""

import json
import os
import pathlib
import shutil
import subprocess
import sys

import jsonschema
import yaml


def fail(text):
    print(f"FAILED: {text}")
    sys.exit(1)


def expect(what, found, wanted):
    if found != wanted:
        fail(f"{what}: expected {wanted}, found {found}")


def run(*command, cwd, code=0, **more):
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True, **more)
    if done.returncode != code:
        fail(f"{' '.join(map(str, command))[:200]} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


def documents(path):
    return [document for document in yaml.safe_load_all(path.read_text()) if document]


def schema(corpus, name):
    """The validator of a kind, made of its definition."""
    return jsonschema.Draft202012Validator(json.loads((corpus.parent / "schemas" / name).read_text()))


def repository(bare, branches):
    """A bare repository with a commit on each branch: `{branch: {path: text}}`."""
    shutil.rmtree(bare, ignore_errors=True)
    bare.parent.mkdir(parents=True, exist_ok=True)
    git = lambda *arguments, **more: run("git", "-c", "user.name=T", "-c", "user.email=t@example.com", *arguments, cwd=bare, **more)
    run("git", "init", "--quiet", "--bare", "--initial-branch", next(iter(branches)), bare, cwd=bare.parent)
    for branch, files in branches.items():
        stream = [f"commit refs/heads/{branch}\ncommitter T <t@example.com> 1700000000 +0000\ndata 4\nmade\n".encode()]
        for path, text in files.items():
            data = text if isinstance(text, bytes) else text.encode()
            stream.append(f'M 100644 inline "{path}"\ndata {len(data)}\n'.encode() + data + b"\n")
        done = subprocess.run(["git", "fast-import", "--quiet"], cwd=bare, input=b"".join(stream), capture_output=True)
        if done.returncode:
            fail(f"{bare}: {done.stderr.decode()[-500:]}")
    return git


class StandIns:
    """Builds with buildah in which images that are nowhere are stood for by others with a marker that tells their name."""

    def __init__(self, root):
        self.root, self.known = root, {}
        self.storage = ["--storage-driver", "vfs", "--root", root / "root", "--runroot", root / "run"]
        root.mkdir(parents=True, exist_ok=True)

    @staticmethod
    def possible():
        if shutil.which("buildah") is None or os.geteuid() != 0:
            print("no real builds: they need root and buildah")
            return False
        return True

    def buildah(self, command, *arguments):
        return run("buildah", *self.storage, command, *arguments, cwd=self.root).strip()

    def build(self, name, folder, *arguments):
        self.buildah("build", "--isolation", "chroot", "--pull=never", "-q", "-t", name, *arguments, folder)

    def of(self, name, as_name=None):
        """The stand-in of an image; `as_name`: under its own name, else under one that is local."""
        if name not in self.known:
            context = self.root / f"stand-in-{len(self.known)}"
            context.mkdir()
            (context / "marker").write_text(name)
            (context / "Dockerfile").write_text("FROM scratch\nCOPY marker /marker\n")
            local = name if as_name else f"localhost/stand-in-{len(self.known)}"
            self.build(local, context)
            self.known[name] = local
        return self.known[name]

    def markers(self, image, names):
        """What files of an image say; it goes afterwards."""
        container = self.buildah("from", "--pull=never", image)
        mount = pathlib.Path(self.buildah("mount", container))
        found = [(mount / name).read_text() for name in names]
        self.buildah("rm", container)
        self.buildah("rmi", image)
        return found

    def done(self):
        shutil.rmtree(self.root, ignore_errors=True)
