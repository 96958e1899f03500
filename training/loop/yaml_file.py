"""A YAML file that a person wrote."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml


class YamlError(ValueError):
    """A file can't be read; the message is one line with the place and the cause."""


class _Loader(yaml.SafeLoader):
    """Takes no key twice: YAML's own keeps the last one in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value in seen:
                said = f"'{key.value}' is there twice"
                raise yaml.constructor.ConstructorError(None, None, said, key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def read_yaml(path: Path) -> Any:
    """What a file holds.

    Raises:
        YamlError: It can't be read, or isn't YAML in UTF-8.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise YamlError(f"{path}{line}: {error.problem}") from error
    except OSError as error:
        raise YamlError(f"{path} can't be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise YamlError(f"{path} is no UTF-8 text: save it as such") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise YamlError(f"{path} is no YAML: {str(error).splitlines()[0]}") from error
