"""Flask on cheroot."""

from cheroot import wsgi

from bench.given import PORT
from bench.peers.wsgi_site import THREADS, app

if __name__ == "__main__":
    wsgi.Server(("127.0.0.1", PORT), app, numthreads=THREADS, max=THREADS).start()
