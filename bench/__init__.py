"""kroute beside its peers, measured in one run. `python -m bench --help`, or `make bench`.

peers         who they are, and one program for each, all with the same URLs
scenarios     what is measured: load (by wrk), echo, resting, schedulers
rounds        takes the servers in turn, round after round
tables, picture, aims, page
              what is made of the figures
instructions  how many a request takes, which a test holds
routing       what a match costs, beside other routers
"""
