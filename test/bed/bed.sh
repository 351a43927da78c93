#!/usr/bin/env bash
# bed.sh install|up|down|status - the real etcd, dockerd and docker-registry that the tests run against, and the image of the
# machines that they boot, from Debian packages alone.
# What already answers on its usual address is used as it is and never stopped; what this script started, `down` stops
# by its own pid. `up` and `status` print JSON. State: test/bed/.state (git-ignored).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
state=${MUSTER_BED_STATE:-$here/.state}
socket=/var/run/docker.sock
etcd_url=http://127.0.0.1:2379
packages=(docker.io docker-registry etcd-server etcd-client busybox-static iptables iproute2 mmdebstrap openssh-client openssl procps util-linux)
export DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/sbin:$PATH DOCKER_HOST=unix://$socket ETCDCTL_API=3
unset DOCKER_CONTEXT DOCKER_TLS_VERIFY DOCKER_CERT_PATH

main() {
  mkdir -p "$state"
  case ${1:-} in
    install) locked install ;;
    up)
      locked up
      print_status
      ;;
    down) locked down ;;
    status) print_status ;;
    *) echo "usage: $0 install|up|down|status" >&2; exit 64 ;;
  esac
}

# One at a time: several test runs may share a machine. The lock is not inherited by the daemons.
locked() {
  exec 9>"$state/lock"
  flock -w 600 9 || die "another bed.sh has held $state/lock for ten minutes"
  "do_$1"
  exec 9>&-
}

do_install() {
  local missing=() package
  for package in "${packages[@]}"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
  done
  [ ${#missing[@]} -gt 0 ] || { say "packages are installed"; return 0; }
  [ "$(id -u)" = 0 ] || die "needs root to install: ${missing[*]}"
  say "installing ${missing[*]}"
  retry 3 apt_get update -qq
  retry 3 apt_get install -y -qq --no-install-recommends "${missing[@]}"
}

apt_get() { apt-get -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" </dev/null >>"$state/apt.log" 2>&1 || { tail -20 "$state/apt.log" >&2; return 1; }; }

do_up() {
  command -v dockerd >/dev/null && command -v etcd >/dev/null || die "not installed: run $0 install first"
  up_docker
  up_images
  up_etcd
}

docker_answers() { timeout 10 docker info >/dev/null 2>&1; }
etcd_answers() { timeout 10 etcdctl --endpoints "$etcd_url" --command-timeout 2s endpoint health >/dev/null 2>&1; }

up_docker() {
  docker_answers && return 0
  [ "$(id -u)" = 0 ] || die "no dockerd answers on $socket and starting one needs root"
  ! pid_of dockerd >/dev/null || { wait_for 60 docker_answers && return 0; die "our dockerd (pid $(pid_of dockerd)) runs but does not answer: $0 down"; }
  # A killed dockerd leaves pid files that keep the next one from starting.
  local file
  for file in /var/run/docker.pid /var/run/docker/containerd/containerd.pid; do
    [ -f "$file" ] && ! grep -qE 'dockerd|containerd' "/proc/$(cat "$file")/comm" 2>/dev/null && rm -f "$file"
  done
  spawn dockerd dockerd -H "unix://$socket"
  wait_for 60 docker_answers || { tail -20 "$state/dockerd.log" >&2; die "dockerd did not come up, log in $state/dockerd.log"; }
}

# busybox:1 and :2 are healthy and differ; the server of broken:1 exits. Made again when the recipe has changed.
up_images() {
  image muster-test/busybox:1 1
  image muster-test/busybox:2 2
  image muster-test/broken:1 1 broken
  image muster-example/web:1 1
  host_image
}
host_image() { # half a minute, once: a Debian with systemd and sshd
  local make=$here/host-image.sh
  local recipe; recipe=$(sha256sum "$make" | cut -c1-16)
  [ "$(docker image inspect -f '{{.Config.Labels.recipe}}' muster-test/host:1 2>/dev/null)" != "$recipe" ] || return 0
  say "making the image of a machine"
  retry 2 "$make" muster-test/host:1 "$recipe"
}
image() { # NAME VERSION [KIND]
  local make=$here/../../examples/clusters/docker-etcd/make-image.sh
  local recipe; recipe=$(sha256sum "$make" | cut -c1-16)
  [ "$(docker image inspect -f '{{.Config.Labels.recipe}}' "$1" 2>/dev/null)" = "$recipe" ] || "$make" "$@" >&2
}

up_etcd() {
  etcd_answers && return 0
  ! pid_of etcd >/dev/null || { wait_for 30 etcd_answers && return 0; die "our etcd (pid $(pid_of etcd)) runs but does not answer: $0 down"; }
  spawn etcd etcd --name bed --data-dir "$state/etcd" --listen-client-urls "$etcd_url" --advertise-client-urls "$etcd_url" \
    --listen-peer-urls http://127.0.0.1:2380 --initial-advertise-peer-urls http://127.0.0.1:2380 --initial-cluster bed=http://127.0.0.1:2380
  wait_for 30 etcd_answers || { tail -20 "$state/etcd.log" >&2; die "etcd did not come up, log in $state/etcd.log"; }
}

do_down() {
  if pid_of dockerd >/dev/null && docker_answers; then
    local containers
    containers=$(docker ps -aq --filter label=io.muster.cluster)
    [ -z "$containers" ] || docker rm -fv $containers >/dev/null
  fi
  reap dockerd
  reap etcd
  rm -rf "$state/etcd"
}

print_status() {
  cat <<J
{"docker": {"socket": "$socket", "up": $(truth docker_answers), "startedHere": $(truth pid_of dockerd)},
 "etcd": {"endpoints": ["$etcd_url"], "up": $(truth etcd_answers), "startedHere": $(truth pid_of etcd)},
 "images": ["muster-test/busybox:1", "muster-test/busybox:2", "muster-test/broken:1", "muster-example/web:1", "muster-test/host:1"]}
J
}

# A pid alone may have been reused: its start time is kept beside it.
spawn() {
  local name=$1; shift
  say "starting $name"
  setsid "$@" >"$state/$name.log" 2>&1 </dev/null 9>&- &
  echo "$! $(start_time $!)" >"$state/$name.pid"
}
start_time() { cut -d' ' -f22 "/proc/$1/stat" 2>/dev/null; }
pid_of() {
  local pid started
  [ -f "$state/$1.pid" ] && read -r pid started <"$state/$1.pid" || return 1
  [ -n "$started" ] && [ "$(start_time "$pid")" = "$started" ] && ! grep -q '^State:.Z' "/proc/$pid/status" && echo "$pid"
}
reap() {
  local pid
  if pid=$(pid_of "$1"); then
    say "stopping $1"
    kill "$pid"
    wait_for 30 gone "$1" || { kill -9 "$pid"; wait_for 10 gone "$1" || die "$1 (pid $pid) does not go away"; }
  fi
  rm -f "$state/$1.pid"
}
gone() { ! pid_of "$1" >/dev/null; }

wait_for() { # SECONDS COMMAND…
  local end=$((SECONDS + $1)); shift
  until "$@" >/dev/null 2>&1; do [ $SECONDS -lt $end ] || return 1; sleep 0.2; done
}
retry() { # TIMES COMMAND…
  local left=$1; shift
  until "$@"; do left=$((left - 1)); [ $left -gt 0 ] || return 1; sleep 5; done
}
truth() { "$@" >/dev/null 2>&1 && echo true || echo false; }
say() { echo "bed: $*" >&2; }
die() { say "$*"; exit 1; }

main "$@"
