"""Runs programs in Python. A line that comes in is a list of programs, `{ code, flags }`; the line that goes out says
for each what it left in its trace. A program is a module with a function `main`."""

import asyncio
import inspect
import json
import sys
import types
import warnings

if sys.version_info < (3, 10):
    sys.exit("python3 must be 3.10 or newer, for match")
# Programs made by chance compare what nobody compares.
warnings.simplefilter("ignore")


class Result:
    def __init__(self, flag):
        self.enabled = flag["value"] is not False
        self.variant = flag["value"] if isinstance(flag["value"], str) else None
        self.payload = flag["payload"]


def show(value):
    return "function" if callable(value) else repr(value)


def world(flags, trace):
    """What a program finds round it: the functions that log, and the SDK."""

    def note(what):
        # A cleaned program must not run for ever where the original did not.
        if len(trace) > 5000:
            raise RuntimeError("the trace is too long")
        trace.append(what)

    def log(n, *values):
        note(" ".join([str(n), *map(show, values)]))

    def at(n, value):
        note(str(n))
        return value

    def ask(key, pick):
        if flags[key]["logs"]:
            note(f"read {key}")
        return pick(flags[key])

    reads = {
        "feature_enabled": lambda key, distinct_id: ask(key, lambda it: it["value"] is not False),
        "get_feature_flag": lambda key, distinct_id: ask(key, lambda it: it["value"]),
        "get_feature_flag_payload": lambda key, distinct_id: ask(key, lambda it: it["payload"]),
        "get_feature_flag_result": lambda key, distinct_id: ask(key, Result),
    }

    def later(read):
        async def ask_later(key, distinct_id):
            return read(key, distinct_id)

        return ask_later

    posthog = types.ModuleType("posthog")
    posthog.__dict__.update(reads)
    sys.modules["posthog"] = posthog
    return {
        "__name__": "program",
        "log": log,
        "at": at,
        "is_admin": True,
        "is_guest": False,
        "has_plan": lambda n: at(n, True),
        "can_edit": lambda n: at(n, False),
        "posthog": posthog,
        "posthog_async": types.SimpleNamespace(**{name: later(it) for name, it in reads.items()}),
    }


def run(program):
    trace = []
    try:
        names = world(program["flags"], trace)
        exec(compile(program["code"], "program", "exec"), names)
        value = names["main"]()
        value = asyncio.run(value) if inspect.iscoroutine(value) else value
        trace.append(f"returns {show(value)}")
    except Exception as error:
        own = f" {error}" if type(error) in (Exception, AssertionError) else ""
        trace.append(f"raises {type(error).__name__}{own}")
        if isinstance(error, (NameError, SyntaxError)):
            return {"trace": trace, "error": f"{type(error).__name__}: {error}"}
    return {"trace": trace, "error": None}


for line in sys.stdin:
    print(json.dumps([run(it) for it in json.loads(line)]), flush=True)
