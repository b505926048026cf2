"""Flask on waitress."""

import waitress

from bench.given import PORT
from bench.peers.wsgi_site import THREADS, app

if __name__ == "__main__":
    waitress.serve(app, listen=f"127.0.0.1:{PORT}", threads=THREADS)
