"""Stands in for tools that cannot be installed here: sops, op, kubectl and gh, by the name of its file.

It takes exactly the arguments of the recipes in docs/reference/stores/recipes.md, keeps what it is given in the folder TOOLS_STATE, and
refuses everything else.
"""

import base64
import json
import os
import sys
from pathlib import Path

STATE = Path(os.environ["TOOLS_STATE"])


def fail(message, code=1):
    print(message, file=sys.stderr)
    sys.exit(code)


def kept(name):
    return STATE / base64.urlsafe_b64encode(name.encode()).decode()


def op(arguments):
    match arguments:
        case ["document", "get", title, "--vault", vault]:
            if not kept(vault + title).exists():
                fail(f'[ERROR] 2026/11/24 22:00:00 "{title}" isn\'t an item in the "{vault}" vault. Specify the item with its UUID, name, or domain.')
            sys.stdout.write(kept(vault + title).read_text())
        case ["document", "edit", title, "-", "--vault", vault] if kept(vault + title).exists():
            kept(vault + title).write_text(sys.stdin.read())
        case ["document", "create", "-", "--title", title, "--vault", vault] if not kept(vault + title).exists():
            kept(vault + title).write_text(sys.stdin.read())
            print('{"uuid":"x"}')
        case _:
            fail("unknown", 64)


def sops(arguments):
    match arguments:
        case ["encrypt", "--filename-override", _, "/dev/stdin"]:
            print("ENC", base64.b64encode(sys.stdin.buffer.read()).decode())
        case ["decrypt", file]:
            sys.stdout.write(base64.b64decode(Path(file).read_text().split()[1]).decode())
        case _:
            fail("unknown", 64)


def kubectl(arguments):
    match arguments:
        case ["get", "secret", name, "--namespace", namespace, "--ignore-not-found", "--output", "json"]:
            if kept(namespace + name).exists():
                print(kept(namespace + name).read_text())
        case ["create", "secret", "generic", name, "--namespace", namespace, "--from-env-file=/dev/stdin",
              "--dry-run=client", "--output", "yaml"]:
            pairs = (line.split("=", 1) for line in sys.stdin.read().splitlines())
            data = {key: base64.b64encode(value.encode()).decode() for key, value in pairs}
            # YAML has JSON in it.
            print(json.dumps({"kind": "Secret", "metadata": {"name": name, "namespace": namespace}, "data": data}))
        case ["apply", "--server-side", "--field-manager=duoctl", "--filename", "-"]:
            manifest = json.load(sys.stdin)
            kept(manifest["metadata"]["namespace"] + manifest["metadata"]["name"]).write_text(json.dumps(manifest))
            print("secret/x serverside-applied")
        case _:
            fail("unknown", 64)


def gh(arguments):
    match arguments:
        case ["secret", "set", "--repo", repository, "--env-file", "-"]:
            kept(repository).write_text(sys.stdin.read())
        case _:
            fail("unknown", 64)


globals()[Path(sys.argv[0]).stem](sys.argv[1:])
