#!/usr/bin/env python3
"""schema.py CHECKOUT [OCX]: validates what ocx prints with the JSON schemas of the runtime specification.

CHECKOUT is a clone of github.com/opencontainers/runtime-spec, which is in no package of the distribution. Needs Debian's
python3-jsonschema and root (a container is made). The last line is `N passed, N failed, N skipped`.
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import warnings

warnings.simplefilter("ignore")  # RefResolver is old, but it is what Debian's version has
import jsonschema  # noqa: E402


def validator(schemas, name):
    schema = json.loads((schemas / name).read_text())
    resolver = jsonschema.RefResolver((schemas / name).as_uri(), schema)
    return jsonschema.Draft4Validator(schema, resolver=resolver)


def documents(ocx, directory):
    """(what, schema, text) of everything that has a schema."""
    yield "ocx features", "features-schema.json", run(ocx, "features")
    for config in sorted((pathlib.Path(__file__).parents[2] / "bundles").glob("*/config.json")):
        yield f"bundles/{config.parent.name}/config.json", "config-schema.json", config.read_text()
    for flags in [], ["--rootless"]:
        target = directory / ("spec" + "".join(flags))
        target.mkdir()
        run(ocx, "spec", *flags, "--bundle", target)
        yield f"ocx spec {' '.join(flags)}", "config-schema.json", (target / "config.json").read_text()
    config = json.loads((directory / "spec" / "config.json").read_text())
    del config["process"]  # create needs no program
    log = directory / "hook"
    config["hooks"] = {"createRuntime": [{"path": "/bin/sh", "args": ["sh", "-c", f"cat >{log}"]}]}
    made = directory / "spec"
    (made / "rootfs").mkdir()
    (made / "config.json").write_text(json.dumps(config))
    root = ["--root", directory / "state"]
    try:
        run(ocx, *root, "create", "--bundle", made, "schema-test")
        yield "ocx state", "state-schema.json", run(ocx, *root, "state", "schema-test")
        yield "stdin of a hook", "state-schema.json", log.read_text()
    finally:
        run(ocx, *root, "delete", "--force", "schema-test")


def run(*words):
    # Files and no pipes: a container that waits for its start keeps them open.
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        status = subprocess.call([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=out, stderr=err)
        out.seek(0)
        err.seek(0)
        if status != 0:
            sys.exit(f"{' '.join(map(str, words))}: {err.read()}")
        return out.read()


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    schemas = pathlib.Path(sys.argv[1]).resolve() / "schema"
    ocx = sys.argv[2] if len(sys.argv) == 3 else "ocx"
    passed = failed = 0
    with tempfile.TemporaryDirectory() as directory:
        for what, schema, text in documents(ocx, pathlib.Path(directory)):
            errors = list(validator(schemas, schema).iter_errors(json.loads(text)))
            print(f"{'failed' if errors else 'ok':8}{what} ({schema})")
            for error in errors:
                print(f"        /{'/'.join(map(str, error.path))}: {error.message}")
            passed, failed = passed + (not errors), failed + bool(errors)
    print(f"{passed} passed, {failed} failed, 0 skipped")
    sys.exit(failed != 0)


main()
