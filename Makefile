# Builds the programs under the names and at the places that guides for Redis use.
#
#   make                          programs in src/: redis-server, ...
#   make install PREFIX=/usr/local
#   make test
#
# PROFILE=quick builds faster and runs slower.

PREFIX ?= /usr/local
PROFILE ?= release
CARGO ?= cargo
# What is installed, and where `make` puts the names.
PROGRAM ?= target/$(PROFILE)/dunlin
PROGRAMS ?= src

.PHONY: all install test clean distclean

all:
	$(CARGO) build --quiet --profile $(PROFILE) -p dunlin
	mkdir -p $(PROGRAMS)
	$(PROGRAM) link $(PROGRAMS)
	@cp -f xtask/src/dist/src.Makefile $(PROGRAMS)/Makefile

install: all
	mkdir -p $(PREFIX)/bin
	cp -f $(PROGRAM) $(PREFIX)/bin/dunlin
	$(PREFIX)/bin/dunlin link $(PREFIX)/bin

test:
	./test

clean distclean:
	$(CARGO) clean
	rm -rf src
