"""Stands in for posthog: notes what it is asked for, and says yes to everything."""

asked = []


def _noting(method, answer):
    def note(self, key, *_, **__):
        asked.append([method, key])
        return answer

    return note


class _Flags(dict):
    def __missing__(self, key):
        asked.append(["get_all_flags", key])
        return True

    def get(self, key, default=None):
        return self[key]


class _Snapshot:
    is_enabled = _noting("is_enabled", True)
    get_flag = _noting("get_flag", "test")
    get_flag_payload = _noting("get_flag_payload", {})

    def only(self, keys):
        return self


class Posthog:
    feature_enabled = _noting("feature_enabled", True)
    get_feature_flag = _noting("get_feature_flag", "test")
    get_feature_flag_payload = _noting("get_feature_flag_payload", {})

    def __init__(self, *_, **__):
        pass

    def get_all_flags(self, *_, **__):
        return _Flags()

    def evaluate_flags(self, *_, **__):
        return _Snapshot()


Client = Posthog
_client = Posthog()
feature_enabled = _client.feature_enabled
get_feature_flag = _client.get_feature_flag
get_feature_flag_payload = _client.get_feature_flag_payload
get_all_flags = _client.get_all_flags
evaluate_flags = _client.evaluate_flags
