"""CherryPy on its own server, with its own dispatcher for paths with variables."""

import cherrypy

from bench.given import CHUNKS, EVENTS, FILES, PORT, ROUTES


class Numbered:
    @cherrypy.expose
    def default(self, id):
        cherrypy.response.headers["Content-Type"] = "text/plain"
        return id


class Root:
    @cherrypy.expose
    def index(self):
        cherrypy.response.headers["Content-Type"] = "text/plain"
        return "Hello, World!"

    @cherrypy.expose
    @cherrypy.tools.json_out()
    def users(self, id, q):
        return {"id": int(id), "q": q}

    @cherrypy.expose
    @cherrypy.tools.allow(methods=["POST"])
    def size(self):
        cherrypy.response.headers["Content-Type"] = "text/plain"
        return str(len(cherrypy.request.body.read()))

    @cherrypy.expose
    @cherrypy.config(**{"response.stream": True})
    def stream(self):
        cherrypy.response.headers["Content-Type"] = "application/octet-stream"
        return iter(CHUNKS)

    @cherrypy.expose
    @cherrypy.config(**{"response.stream": True})
    def events(self):
        cherrypy.response.headers["Content-Type"] = "text/event-stream"
        return (f"data: {event}\n\n" for event in EVENTS)


for number in range(ROUTES):
    setattr(Root, f"r{number}", Numbered())

if __name__ == "__main__":
    cherrypy.config.update(
        {"environment": "production", "server.socket_port": PORT, "log.screen": False}
    )
    files = {"tools.staticdir.on": True, "tools.staticdir.dir": FILES}
    cherrypy.quickstart(Root(), config={"/files": files})
