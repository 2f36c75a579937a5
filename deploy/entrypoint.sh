#!/bin/sh
# The roles of the image. Anything else is run as a command:  docker run headrace python3 -V
#
#   jobmanager           Flink's JobManager
#   taskmanager          Flink's TaskManager, with its Python workers and the process that they are forked from
#   bridge               MQTT to Kafka
#   listener             devices to Kafka, without an MQTT broker
#   corrector            corrects windows with late readings, every HEADRACE_WINDOWS_CORRECT_EVERY_S
#   serving              recommendations over HTTP
#   create-topics        makes the Kafka topics that are missing, aligns the others, makes the key of pseudonyms, ends
#   forget USER          removes a user for good, ends (docs/how-to/privacy.md)
#   capture              makes PostgreSQL's tables and Kafka Connect's connector, if missing, ends
#   submit [JOB...]      submits jobs (the five telemetry jobs, if none is named) to HEADRACE_FLINK, ends
#
# Addresses: HEADRACE_KAFKA, HEADRACE_MQTT_HOST ...; Flink's settings: FLINK_PROPERTIES, one `key: value` a line.
set -eu
here=$(dirname "$0")

# Docker passes the proxies of its configuration on. gRPC, over which Flink speaks to its Python workers on localhost,
# would follow http_proxy.
no_proxy=${no_proxy:-${NO_PROXY:-}}
no_proxy=${no_proxy:+$no_proxy,}localhost,127.0.0.1,::1
NO_PROXY=$no_proxy
export no_proxy NO_PROXY

# flink SCRIPT: in the foreground and as this very process, so that signals reach the JVM.
flink() {
  python3 "$here/write_flink_configuration.py"
  exec bash "$FLINK_HOME/bin/$1" start-foreground
}

role=${1:-jobmanager}
[ $# -eq 0 ] || shift
case $role in
  jobmanager)    flink jobmanager.sh ;;
  taskmanager)
    # Where it does not run, or not yet, workers are plain interpreters. It ends with its container.
    python3 -m jobs.fork_server "${HEADRACE_HOME:-/opt}/run/forkserver.sock" &
    flink taskmanager.sh ;;
  bridge)        exec python3 -m connectors.mqtt_bridge "$@" ;;
  listener)      exec python3 -m connectors.listener "$@" ;;
  corrector)
    every=${HEADRACE_WINDOWS_CORRECT_EVERY_S:-300}s
    report=${HEADRACE_HOME:-/opt}/log/corrector.json
    exec python3 -m headrace windows correct --every "$every" --wait "$every" --report "$report" "$@" ;;
  serving)       exec python3 -m serving "$@" ;;
  create-topics) exec python3 "$here/create_topics.py" ;;
  forget)        exec python3 -m headrace privacy forget "$@" ;;
  capture)       exec python3 "$here/set_up_capture.py" ;;
  submit)        exec python3 "$here/submit.py" "$@" ;;
  *)             exec "$role" "$@" ;;
esac
