#!/usr/bin/env bash
# host-image.sh IMAGE RECIPE - an image of a machine that boots systemd and sshd, from Debian packages alone (half a minute).
# Hosts of the tests are containers of it (test/bed/hosts.ts); RECIPE is kept as a label, to tell when it has changed.
set -euo pipefail
image=$1 recipe=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat >"$work/entry.sh" <<'S'
#!/bin/sh
# Without --privileged docker mounts /sys, /proc/sys and the cgroup hierarchies read-only: systemd needs them.
for d in /sys /proc/sys /sys/fs/cgroup /sys/fs/cgroup/*; do mountpoint -q "$d" && mount -o remount,bind,rw "$d"; done
mount --make-rshared /
[ -f /etc/ssh/ssh_host_ed25519_key ] || ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
exec /sbin/init
S
# Runs inside. `deploy` may become root without a password, `guest` may not.
cat >"$work/setup.sh" <<'S'
set -e
chmod 755 /entry.sh
rm -f /etc/ssh/ssh_host_* /setup.sh
: >/etc/machine-id
systemctl -q mask getty.target console-getty.service systemd-logind.service systemd-udevd.service systemd-udevd-control.socket \
  systemd-udevd-kernel.socket sys-kernel-debug.mount sys-kernel-tracing.mount sys-kernel-config.mount dev-hugepages.mount \
  dev-mqueue.mount systemd-remount-fs.service tmp.mount apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
  e2scrub_all.timer e2scrub_reap.service fstrim.timer
systemctl -q set-default multi-user.target
useradd -m -s /bin/bash deploy
useradd -m -s /bin/bash guest
echo 'deploy ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/deploy
printf 'UseDNS no\nPasswordAuthentication no\nStrictModes no\nAuthorizedKeysFile /etc/ssh/authorized_keys\n' >/etc/ssh/sshd_config.d/bed.conf
S

mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep -v security | head -1)
mmdebstrap --quiet --variant=minbase --mode=root --format=tar --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt=force-unsafe-io \
  --aptopt='Apt::Install-Recommends "false"' --include=systemd,systemd-sysv,openssh-server,sudo,busybox-static \
  --customize-hook="cp '$work/entry.sh' '$work/setup.sh' \"\$1/\"" --customize-hook='chroot "$1" sh /setup.sh' \
  bookworm "$work/root.tar" "$mirror" >"$work/log" 2>&1 || { tail -20 "$work/log" >&2; exit 1; }
docker import -c 'ENV container=docker' -c 'CMD ["/entry.sh"]' -c "LABEL recipe=$recipe" "$work/root.tar" "$image" >/dev/null
