#!/bin/sh
# Makes a Debian tree with Asterisk for the tests marked `pbx`; does nothing when it is there already.
#   sudo sh tests/pbx/install.sh FOLDER [MIRROR]
# Debian 12 and 13 have no package of Asterisk, sid has: hence a tree of its own. About 600 MB.
# Needs root and debootstrap. MIRROR: that of this machine's apt, when it says one, is used unless you name another.
set -eu
root=${1:?which folder}
mirror=${2:-}
case $root in /*) ;; *) root=$PWD/$root ;; esac

if [ -x "$root/usr/sbin/asterisk" ] && [ -e "$root/.callcenter-ready" ]; then
    exit 0
fi
if [ -z "$mirror" ]; then
    mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
        grep -oE 'https?://[^ ]+' | grep -vi security | head -n 1 || true)
fi

mkdir -p "$(dirname "$root")"
if [ ! -e "$root/etc/debian_version" ]; then
    rm -rf "$root"
    # shellcheck disable=SC2086 # an unset mirror is no argument
    debootstrap --variant=minbase sid "$root" $mirror
fi
# package scripts must not start anything in the tree
printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get update -q
DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get install -y -q --no-install-recommends asterisk
chroot "$root" apt-get clean
touch "$root/.callcenter-ready"
chroot "$root" asterisk -V
