"""Hello on kroute."""

import sys

from kroute import App, Response

app = App()


@app.get("/")
def hello(request):
    yield Response("Hello, World!", content_type="text/plain")


app.run(port=int(sys.argv[1]))
