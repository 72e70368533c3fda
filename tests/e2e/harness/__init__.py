"""What the end-to-end tests stand on: test hosts, engines, clients, terminals, and the search for leftovers."""
