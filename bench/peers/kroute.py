"""kroute on its own server."""

from Axon.Component import component
from Axon.Ipc import producerFinished

from bench.given import CHUNKS, EVENTS, FILES, PORT, ROUTES
from kroute import App, Response, StaticFiles

app = App()


@app.get("/")
def hello(request):
    yield Response("Hello, World!", content_type="text/plain")


@app.get("/users/{id}")
def user(request, id: int):
    return {"id": id, "q": request.GET["q"]}


@app.post("/size")
def size(request):
    return Response(str(len(request.body)), content_type="text/plain")


@app.get("/stream")
def stream(request):
    yield Response(content_type="application/octet-stream")
    yield from CHUNKS


class Ticks(component):
    def main(self):
        for event in EVENTS:
            self.send(event, "outbox")
            yield 1
        self.send(producerFinished(self), "signal")


app.events("/events", lambda request: Ticks(), shared=False, replay=0)


def echo(request, ws):
    while True:
        ws.send((yield from ws.receive()))


app.websocket("/echo", echo)
app.mount("/files", StaticFiles(FILES))

for number in range(ROUTES):
    app.add(f"/r{number}/{{id}}", GET=lambda request, id: Response(id, content_type="text/plain"))

if __name__ == "__main__":
    app.run(port=PORT)
