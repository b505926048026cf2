"""load_app, LoadError: an application from `module:app`, as the command line names it."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from difflib import get_close_matches
from types import ModuleType
from typing import Any

from .app import App
from .handlers import is_wsgi

__all__ = ["LoadError", "load_app"]


class LoadError(Exception):
    """There is no application under this name; the message is one line and says what would be
    right. What the user's own module raises is not a LoadError."""


def load_app(name: str, threads: int | None = None) -> App:
    """The application that `module:attribute` names, or `module:factory()`; the attribute is `app`
    where none is given. A WSGI application is put into an App of its own, and has `threads`
    threads there, or as many as any that is mounted. Modules are looked for in the current
    directory first.

    Raises LoadError, also for `threads` of an App, and whatever the module or the factory raises.
    """
    module_name, colon, attribute = name.partition(":")
    if not module_name or (colon and not attribute):
        raise LoadError(f"{name!r} names no application; module:app does, such as hello:app")
    module = _import(module_name)
    attribute = attribute or "app"
    thing = _attribute(module, attribute.removesuffix("()"))
    if attribute.endswith("()"):
        thing = _made(thing, name)
    elif callable(thing) and not isinstance(thing, App) and not is_wsgi(thing):
        raise LoadError(f"{name} is no App but {thing!r}; is it a factory: {name}() ?")
    if not isinstance(thing, App) and is_wsgi(thing):
        return _app_around(thing, threads)
    if not isinstance(thing, App):
        raise LoadError(f"{name} is no App but {type(thing).__name__} ({thing!r:.60})")
    if threads is not None:
        raise LoadError(f"{name} is an App, which says itself how many threads each mount has")
    return thing


def _made(factory: Any, name: str) -> Any:
    """What a factory makes."""
    if isinstance(factory, App):
        right = name.removesuffix("()")
        raise LoadError(f"{name}: it is an App, and no factory; {right} is enough")
    try:
        inspect.signature(factory).bind()
    except TypeError as error:
        raise LoadError(f"{name}: it cannot be called without arguments: {error}") from None
    except ValueError:
        pass  # written in C, and does not say
    return factory()


def _app_around(application: Any, threads: int | None) -> App:
    """An App of nothing but a WSGI application."""
    app = App()
    options: dict[str, Any] = {} if threads is None else {"threads": threads}
    app.mount("", application, **options)
    return app


def _import(name: str) -> ModuleType:
    if os.sep in name or name.endswith(".py"):
        right = name.removesuffix(".py").replace(os.sep, ".")
        raise LoadError(f"{name!r} is a file; the name of its module is {right!r}")
    if not all(name.split(".")):
        raise LoadError(f"{name!r} is not the full name of a module, such as package.hello")
    here = os.getcwd()
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        # The module itself, or one of its packages; not one that it asks for.
        if error.name is not None and (name == error.name or name.startswith(error.name + ".")):
            raise LoadError(f"there is no module {name!r} in {here} or Python's path") from None
        raise


def _attribute(module: ModuleType, path: str) -> Any:
    thing: Any = module
    for word in path.split("."):
        if not hasattr(thing, word):
            apps = [key for key, value in vars(module).items() if isinstance(value, App)]
            near = apps or get_close_matches(word, dir(module), n=3)
            hint = f"; it has {', '.join(near)}" if near else ""
            raise LoadError(f"{module.__name__} has no {path!r}{hint}")
        thing = getattr(thing, word)
    return thing
