"""kroute beside its peers, measured in one run. `python -m bench --help`, or `make bench`.

bench.peers      one program for each peer, all with the same URLs
bench.scenarios  what is asked of them, and what has to be answered
bench.rounds     takes the servers in turn, round after round
bench.routing    what a match costs, beside other routers
"""
