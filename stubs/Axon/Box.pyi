from collections.abc import Callable
from typing import Any

ShowAllTransits: bool

class nullsink:
    showtransit: Any
    wakeOnPop: list[Callable[[], object]]
    def append(self, data: Any) -> None: ...

class realsink(list[Any]):
    notify: Callable[[], object]
    size: int | None
    wakeOnPop: list[Callable[[], object]]
    def __init__(self, notify: Callable[[], object], size: int | None = None) -> None: ...

class postbox:
    storage: Any
    sources: Any
    sink: Any
    myNotifyOnPop: list[Callable[[], object]]
    def __init__(self, storage: Any, notify: Callable[[], object] | None = None) -> None: ...
    def append(self, data: Any) -> None: ...
    def pop(self, index: int) -> Any: ...
