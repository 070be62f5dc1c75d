"""uv does not read pip's configuration: hand the machine's choice of index on to it."""

from __future__ import annotations

import ast
from collections.abc import Mapping

# pip's setting → uv's environment variable.
UV_NAMES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
    "trusted-host": "UV_INSECURE_HOST",
    "proxy": "ALL_PROXY",
    "default-timeout": "UV_HTTP_TIMEOUT",
    "timeout": "UV_HTTP_TIMEOUT",
    "no-index": "UV_NO_INDEX",
}
LAYERS = ("global", "install", ":env:")


def uv_environment(pip_config_list: str, base: Mapping[str, str]) -> dict[str, str]:
    """The variables to add for uv, from the output of `pip config list`; what `base` already sets stays.

    Later layers win: the environment over the configuration files.
    """
    settings: dict[str, str] = {}
    for layer in LAYERS:
        settings |= _settings(pip_config_list, layer)
    chosen = {UV_NAMES[key]: value for key, value in settings.items() if key in UV_NAMES and value}
    if "UV_FIND_LINKS" in chosen:
        chosen["UV_FIND_LINKS"] = chosen["UV_FIND_LINKS"].replace(" ", ",")
    if "UV_INDEX" in chosen or "UV_FIND_LINKS" in chosen:
        # pip looks at every index and takes the best version; uv by default takes the first index that answers.
        chosen["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return {name: value for name, value in chosen.items() if name not in base}


def _settings(pip_config_list: str, layer: str) -> dict[str, str]:
    settings = {}
    for line in pip_config_list.splitlines():
        name, separator, value = line.partition("=")
        found_layer, _, key = name.rpartition(".")
        if separator and found_layer == layer:
            settings[key] = " ".join(str(_literal(value)).split())
    return settings


def _literal(text: str) -> object:
    try:
        return ast.literal_eval(text)
    except (SyntaxError, ValueError):
        return text
