#!/bin/sh
# Makes deploy/secrets/ for docker-compose.yml: random passwords and a token, once. What is there is kept.
#
# Only the owner enters the folder. The files in it are readable, because Compose mounts them with the mode and owner
# they have here, and the servers in the containers run as users of their own.
set -eu
umask 077
folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"
chmod 700 "$folder"
printf '*\n' > "$folder/.gitignore"

# secret NAME TEXT: written beside, then renamed, so that a killed run leaves nothing half.
secret() {
  printf '%s\n' "$2" > "$folder/.$1.partial"
  chmod 444 "$folder/.$1.partial"
  mv -f "$folder/.$1.partial" "$folder/$1"
}

for name in redis-password influxdb-token influxdb-password postgres-password serving-key; do
  [ -s "$folder/$name" ] || secret "$name" "$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')"
done
# The same passwords in the languages of Redis and Kafka Connect; always made from it, so that they cannot differ.
secret redis-auth.conf "requirepass $(cat "$folder/redis-password")"
secret connect.properties "postgres=$(cat "$folder/postgres-password")"
