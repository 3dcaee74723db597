# `cd src && make install` does what it does one directory up.

.DEFAULT_GOAL := all

.PHONY: all install uninstall test clean distclean

all install uninstall test clean distclean:
	@$(MAKE) --no-print-directory -C .. $@ $(if $(PREFIX),PREFIX="$(abspath $(PREFIX))")
