"""Runs a program for each line that comes in, the path of its first module, and says what it asked for."""

import importlib
import json
import os
import sys
import traceback

import posthog

if sys.version_info < (3, 11):
    sys.exit("python3 must be 3.11 or newer, for StrEnum")


def places(module):
    """Where a module lies; a package without a file of its own has only folders."""
    return [getattr(module, "__file__", None) or "", *getattr(module, "__path__", [])]


for line in sys.stdin:
    folder, name = os.path.split(line.rstrip("\n"))
    posthog.asked.clear()
    before = set(sys.modules)
    sys.path.insert(0, folder)
    importlib.invalidate_caches()
    error = None
    try:
        importlib.import_module(os.path.splitext(name)[0])
    except BaseException:
        error = traceback.format_exc()
    sys.path.remove(folder)
    # Programs have modules of the same names.
    for module in set(sys.modules) - before:
        if any(it.startswith(folder) for it in places(sys.modules[module])):
            del sys.modules[module]
    print(json.dumps({"asked": posthog.asked, "error": error}), flush=True)
