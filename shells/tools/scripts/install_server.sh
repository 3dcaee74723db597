#!/bin/sh
# Installs a server as a service of this machine: asks for what it needs to know, writes the
# configuration and the init script (and, where systemd runs, a unit), and starts it.
#
# Nothing is asked for what these variables say:
#
#   sudo REDIS_PORT=1234 REDIS_CONFIG_FILE=/etc/redis/1234.conf \
#        REDIS_LOG_FILE=/var/log/redis_1234.log REDIS_DATA_DIR=/var/lib/redis/1234 \
#        REDIS_EXECUTABLE=/usr/local/bin/redis-server ./install_server.sh
#
# --root DIR puts the files below DIR and starts nothing, for packages.

SCRIPT_DIR=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

# Settings
DUNLIN=$SCRIPT_DIR/../src/dunlin
TEMPLATE=$SCRIPT_DIR/../redis.conf

if [ ! -x "$DUNLIN" ]; then
    DUNLIN=$(command -v dunlin) || {
        echo "Mmmmm...  it seems like you don't have the program dunlin. Did you run make yet?"
        exit 1
    }
fi
if [ -f "$TEMPLATE" ]; then
    set -- --template "$TEMPLATE" "$@"
fi
exec "$DUNLIN" install-service "$@"
