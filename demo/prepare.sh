#!/bin/sh
# What has to be there before the first container starts: a password for each server, which nobody has to invent, and a folder that the collector
# may write in. Run by root in a container without a network that ends at once; a second run changes nothing.
#
# Each folder in $1 is the volume of one service, mounted there as /run/secrets. The server that checks a password has the original, and
# whoever logs in with it has a copy. Files belong to the user of their service; root reads them by the group, since all other rights are dropped.
set -eu
umask 077
volumes="${1:-/volumes}"

# put <file> <user>: standard input becomes the file, as a whole or not at all.
put() {
    rm -f "$1.new"
    cat >"$1.new"
    chmod 440 "$1.new"
    chown "$2:0" "$1.new"
    mv "$1.new" "$1"
}

# generate <service> <user> <name>: 32 random letters and digits, the first one a letter: nothing that a URL, YAML or a shell reads as something else.
generate() {
    file="$volumes/$1/$3"
    [ -s "$file" ] && return
    value="$(head -c 4096 /dev/urandom | LC_ALL=C tr -dc 'a-zA-Z0-9' | sed 's/^[0-9]*//' | cut -c 1-32)"
    [ "${#value}" -eq 32 ]
    printf '%s' "$value" | put "$file" "$2"
}

# copy <from service> <to service> <user> <name>
copy() {
    put "$volumes/$2/$4" "$3" <"$volumes/$1/$4"
}

app=10001 collector=10001 exporter=65534 grafana=472 postgres=999 redis=999

generate postgres $postgres postgres_password
generate postgres $postgres exporter_password
generate redis $redis redis_password
generate grafana $grafana grafana_admin_password
generate grafana $grafana grafana_secret_key
generate app $app django_secret_key

copy postgres app $app postgres_password
copy postgres exporter $exporter exporter_password
copy redis app $app redis_password
copy redis collector $collector redis_password

chown "$collector:0" "$volumes/queue"
