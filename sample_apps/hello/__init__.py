"""The ten-line application: `kroute run sample_apps.hello`."""

from kroute import App, Response

app = App()


@app.get("/")
def front(request):
    return "<h1>It works</h1>"


@app.get("/hello/{name}")
def hello(request, name):
    return Response(f"Hello, {name}!\n", content_type="text/plain")
