# The second boot: nobody has said anything. Says what it finds, a line each.
cd /srv/shop || exit 1
tries=0
until eco status >/dev/null; do
    tries=$((tries + 1))
    [ $tries -lt 600 ] || break
    sleep 0.05
done
eco status >/dev/null && echo "the apps are back"
echo "stopped in order: $(eco logs -n 1000 | grep -c 'asked to stop')"
[ "$(systemctl show -p NRestarts --value eco)" = 0 ] && echo "started once"
systemctl stop eco && echo "stopped"
pgrep -f 'asked to stop' >/dev/null || echo "nothing is left"
systemctl is-failed eco
eco startup remove && ! eco startup status >/dev/null && echo "removed"
