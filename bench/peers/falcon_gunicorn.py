"""Falcon on gunicorn."""

from bench.peers.gunicorn import run

if __name__ == "__main__":
    run("bench.peers.falcon_app:app")
