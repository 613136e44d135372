#!/usr/bin/env bash
# Boots this system twice under systemd, in a container on a copy-on-write view of it, with eco as a
# service: `boots.sh ECO DIR`. What the two boots found is in DIR/first and DIR/second.
#
# To be run in a mount namespace of its own: what is mounted goes with it.
set -euo pipefail
eco=$1 dir=$2 here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

mount -t tmpfs boot "$dir"
mkdir "$dir"/{upper,work,root}
root=$dir/root
mount -t overlay boot -o "lowerdir=/,upperdir=$dir/upper,workdir=$dir/work" "$root"

install -D "$eco" "$root/usr/local/bin/eco"
install -D "$here/first.sh" "$root/opt/boot/first"
install -D "$here/second.sh" "$root/opt/boot/second"
mkdir -p "$root/srv/shop"
cat >"$root/srv/shop/ecosystem.yaml" <<'YAML'
name: shop
apps:
  web:
    command: { shell: 'trap "echo asked to stop; exit 0" TERM; echo up; while :; do sleep 0.1; done' }
    instances: 2
YAML
# Nothing of this machine's own services.
cat >"$root/etc/systemd/system/boot.target" <<'UNIT'
[Unit]
Requires=basic.target
After=basic.target
AllowIsolate=yes
UNIT
mkdir -p "$root/etc/systemd/system/boot.target.wants"

for boot in first second; do
    cat >"$root/etc/systemd/system/look.service" <<UNIT
[Unit]
After=eco.service
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'PATH=/usr/local/bin:\$PATH sh -x /opt/boot/$boot >/opt/boot/$boot.out 2>/opt/boot/$boot.err; systemctl poweroff'
UNIT
    ln -sf ../look.service "$root/etc/systemd/system/boot.target.wants/look.service"
    timeout 120 systemd-nspawn --quiet -D "$root" --register=no --keep-unit --private-network \
        --console=pipe -b systemd.unit=boot.target </dev/null >"$root/opt/boot/console" 2>&1
    cat "$root/opt/boot/$boot.err" >&2
    cat "$root/opt/boot/$boot.out"
    [ $boot = first ] || break
    # Of what the machine boots, eco alone.
    cp -P "$root/etc/systemd/system/multi-user.target.wants/eco.service" \
        "$root/etc/systemd/system/boot.target.wants/"
done
