"""Runs the programs of each line that comes in and says what they did."""

import asyncio
import inspect
import json
import sys
import types

if sys.version_info < (3, 11):
    sys.exit("python3 must be 3.11 or newer")

# What the flags give that are not removed; they tell when they are read.
OTHERS = {"other": True, "third": "blue", "fourth": False, "also": "test"}
MOST_LINES = 3000

job = {}
trace = []


class Endless(BaseException):
    pass


def tell(text):
    if len(trace) > MOST_LINES:
        raise Endless
    trace.append(text)


def flag(method, key):
    if key in job["quiet"]:
        return job["quiet"][key]
    tell(f"{method} {key}")
    return OTHERS[key]


def payload_of(key, value):
    if value is False:
        return None
    return job["payload"] if key in job["quiet"] else {"limit": 7}


class Result:
    def __init__(self, key, value):
        self.enabled = value is not False
        self.variant = value if isinstance(value, str) else None
        self.payload = payload_of(key, value)


def feature_enabled(key, *_, **__):
    return flag("feature_enabled", key) is not False


def get_feature_flag(key, *_, **__):
    return flag("get_feature_flag", key)


def get_feature_flag_payload(key, *_, **__):
    return payload_of(key, flag("get_feature_flag_payload", key))


def get_feature_flag_result(key, *_, **__):
    return Result(key, flag("get_feature_flag_result", key))


class Posthog:
    def __init__(self, *_, **__):
        pass

    feature_enabled = staticmethod(feature_enabled)
    get_feature_flag = staticmethod(get_feature_flag)
    get_feature_flag_payload = staticmethod(get_feature_flag_payload)
    get_feature_flag_result = staticmethod(get_feature_flag_result)


def show(value):
    if isinstance(value, (list, tuple, set, frozenset)):
        return f"{type(value).__name__}[{', '.join(map(show, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{show(name)}: {show(it)}" for name, it in value.items()) + "}"
    if value is None or isinstance(value, (bool, int, float, str)):
        return repr(value)
    return type(value).__name__


def note(*values):
    tell(" ".join(map(show, values)))


def log(number, value=...):
    tell(f"log {number}")
    return number if value is ... else value


def ticks(number):
    left = number

    def tick():
        nonlocal left
        tell(f"tick {number}")
        left -= 1
        return left >= 0

    return tick


async def load(number):
    tell(f"load {number}")
    return number


class User:
    id = "u"
    name = "Ann"
    is_admin = True
    is_staff = False
    tags = ["a", "b"]
    plan = None


def module(name, **content):
    made = types.ModuleType(name)
    made.__dict__.update(content)
    sys.modules[name] = made


module(
    "posthog",
    Posthog=Posthog,
    feature_enabled=feature_enabled,
    get_feature_flag=get_feature_flag,
    get_feature_flag_payload=get_feature_flag_payload,
    get_feature_flag_result=get_feature_flag_result,
)
module("helpers", note=note, log=log, ticks=ticks, load=load, user=User())


def run():
    names = {"__name__": "program"}
    try:
        exec(compile(job["code"], "program.py", "exec"), names)
        done = names["main"]()
        tell(show(loop.run_until_complete(done) if inspect.iscoroutine(done) else done))
    except (NameError, SyntaxError) as why:
        trace.append(f"invalid: {why}")
    except BaseException as why:
        trace.append(f"thrown: {type(why).__name__}")
    return list(trace)


loop = asyncio.new_event_loop()
for line in sys.stdin:
    traces = []
    for job in json.loads(line)["jobs"]:
        trace.clear()
        traces.append(run())
    print(json.dumps({"traces": traces}), flush=True)
