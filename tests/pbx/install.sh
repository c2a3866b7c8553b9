#!/bin/sh
# Makes a Debian tree with Asterisk for the tests marked `pbx`; does nothing when it is there already.
#   sudo sh tests/pbx/install.sh FOLDER [MIRROR]
# Debian 12 and 13 have no package of Asterisk, sid has: hence a tree of its own. About 600 MB.
# Needs root and debootstrap. MIRROR: a mirror of Debian; without it debootstrap's own choice.
set -eu
root=${1:?which folder}
mirror=${2:-}
case $root in /*) ;; *) root=$PWD/$root ;; esac

if [ -x "$root/usr/sbin/asterisk" ] && [ -e "$root/.callcenter-ready" ]; then
    exit 0
fi
mkdir -p "$(dirname "$root")"
if [ ! -e "$root/.debian-ready" ]; then
    rm -rf "$root" # the rest of an attempt that broke off
    # shellcheck disable=SC2086 # without a mirror there is no argument
    debootstrap --variant=minbase sid "$root" $mirror
    touch "$root/.debian-ready"
fi
# package scripts must not start anything in the tree
printf '#!/bin/sh\nexit 101\n' > "$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
install() { DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get install -y -q --no-install-recommends asterisk; }
# debootstrap has left fresh lists of packages; they are old only where an attempt broke off long ago
install || { chroot "$root" apt-get update -q && install; }
chroot "$root" apt-get clean
touch "$root/.callcenter-ready"
chroot "$root" asterisk -V
