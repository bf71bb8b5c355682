#!/bin/sh
set -eu
chown -R rabbitmq:rabbitmq /var/lib/rabbitmq
export HOME=/var/lib/rabbitmq RABBITMQ_LOGS=-
# Debian's own rabbitmq-server passes no signals on.
program=$1
shift
exec setpriv --reuid=rabbitmq --regid=rabbitmq --init-groups -- "/usr/lib/rabbitmq/bin/$program" "$@"
