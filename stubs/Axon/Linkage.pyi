from Axon.Component import component

class linkage:
    source: component
    sink: component
    sourcebox: str
    sinkbox: str
    passthrough: int
    def __init__(
        self,
        source: component,
        sink: component,
        sourcebox: str = ...,
        sinkbox: str = ...,
        passthrough: int = ...,
    ) -> None: ...
