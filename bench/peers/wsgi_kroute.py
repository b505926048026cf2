"""Flask on kroute's own server."""

from bench.given import PORT
from bench.peers.wsgi_site import THREADS
from bench.peers.wsgi_site import app as site
from kroute import App

app = App()
app.mount("", site, threads=THREADS)

if __name__ == "__main__":
    app.run(port=PORT)
