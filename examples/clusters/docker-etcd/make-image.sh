#!/usr/bin/env bash
# make-image.sh [NAME:TAG] [VERSION] [healthy|broken]
# Makes a 2 MB image with a web server out of Debian's busybox-static: no registry and no network needed.
# The server answers on $PORT_HTTP (8080 without Muster) with its version; `broken` makes one whose server exits at once.
set -euo pipefail
name=${1:-muster-example/web:1} version=${2:-${name##*:}} kind=${3:-healthy}
busybox=$(command -v busybox) || { echo "busybox is missing: apt-get install busybox-static" >&2; exit 1; }
if ldd "$busybox" >/dev/null 2>&1; then echo "$busybox is not static: apt-get install busybox-static" >&2; exit 1; fi

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{bin,etc,tmp,www}
chmod 1777 "$root/tmp"
cp "$busybox" "$root/bin/busybox"
for applet in $("$busybox" --list); do [ -e "$root/bin/$applet" ] || ln -s busybox "$root/bin/$applet"; done
printf 'root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n' >"$root/etc/passwd"
echo "version $version" >"$root/www/index.html"
echo ok >"$root/www/healthz"
# PID 1 ignores signals that it does not handle: the trap is what makes `docker stop` quick.
cat >"$root/bin/serve" <<'S'
#!/bin/sh
trap 'kill $! 2>/dev/null; exit 0' TERM INT
httpd -f -p "${PORT_HTTP:-8080}" -h /www &
wait $!
S
if [ "$kind" = broken ]; then
  # Without its files even the httpd inside the shell ends at once.
  rm -r "$root/www" "$root/bin/httpd"
  printf '#!/bin/sh\necho "broken on purpose" >&2\nexit 1\n' | tee "$root/bin/httpd" >"$root/bin/serve"
  chmod 755 "$root/bin/httpd"
fi
chmod 755 "$root/bin/serve"
recipe=$(sha256sum "$0" | cut -c1-16)
tar -C "$root" --owner=0 --group=0 --numeric-owner -c . | docker import -c 'CMD ["serve"]' -c 'EXPOSE 8080' -c "LABEL recipe=$recipe" - "$name" >/dev/null
echo "made $name"
