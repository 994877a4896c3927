"""What the library hands out never changes under the feet of whoever holds it."""

from __future__ import annotations

import dataclasses
import pkgutil
from importlib import import_module

import fse


def test_every_value_of_the_library_is_frozen_and_compact() -> None:
    """Protects purity: no dataclass of `fse` can be changed, and none takes a field that it has not."""
    found = 0
    for module in pkgutil.walk_packages(fse.__path__, "fse."):
        for one in vars(import_module(module.name)).values():
            if isinstance(one, type) and dataclasses.is_dataclass(one) and one.__module__ == module.name:
                found += 1
                assert one.__dataclass_params__.frozen, one  # type: ignore[attr-defined] # set by the decorator
                cached = any(hasattr(value, "attrname") for value in vars(one).values())  # a cache needs a dictionary
                assert cached or "__slots__" in vars(one), one
    assert found > 40
