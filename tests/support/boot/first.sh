# The first boot: eco is made a service, dies, and lives on. Says what it finds, a line each.
cd /srv/shop || exit 1

until_true() {
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ $tries -lt 600 ] || { echo "in vain: $*"; return 1; }
        sleep 0.05
    done
}
pids() { eco status --json | tr ',{' '\n\n' | sed -n 's/^"pid"://p' | sort | tr '\n' ' '; }
keeper() { eco daemon status --json | tr ',{' '\n\n' | sed -n 's/^"keeper_pid"://p'; }

eco apply >/dev/null && echo "applied"
eco startup >/dev/null && echo "written"
before=$(pids)
systemctl daemon-reload && systemctl start eco && echo "started"
[ "$(pids)" = "$before" ] && echo "the service took the apps over"
[ "$(systemctl show -p MainPID --value eco)" = "$(keeper)" ] && echo "it is the keeper"
systemctl is-enabled eco

dead=$(keeper)
kill -9 "$dead"
changed() { now=$(keeper) && [ -n "$now" ] && [ "$now" != "$dead" ]; }
until_true changed && echo "another keeper"
[ "$(systemctl show -p MainPID --value eco)" = "$(keeper)" ] && echo "it is the service's"
[ "$(pids)" = "$before" ] && echo "the apps did not notice"

systemctl restart eco && echo "restarted"
until_true eco status >/dev/null && echo "the apps are back"
[ "$(pids)" != "$before" ] && echo "they were stopped in order: $(eco logs -n 1000 | grep -c 'asked to stop')"
eco startup status >/dev/null && echo "status: fine"
