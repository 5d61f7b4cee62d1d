#!/bin/bash
# launch.sh uml|qemu MACHINE ROOT JOB MEMORY: starts the emulator; for run.sh, which gives it a pid and a mount
# namespace of its own, so that its processes and mounts end with it. Descriptors 6, 7, 1: console, output, status.
set -eu
vm=$1 machine=$2 root=$3 job=$4 memory=$5
tree=$machine/tree

# The emulator runs in its own tree, where this machine's files are below /mnt. User-mode Linux maps its memory, a
# file in TMPDIR, with the right to execute.
mount --make-rprivate /
mount --rbind / "$tree/mnt"
mount --rbind /dev "$tree/dev"
mount -t proc proc "$tree/proc"
mount -t tmpfs -o mode=1777,exec tmpfs "$tree/tmp"
mkdir "$tree/tmp/scratch" # QEMU takes a TMPDIR of just /tmp for /var/tmp

options="rw quiet systemd.show_status=error apparmor=1 security=apparmor systemd.unified_cgroup_hierarchy=1"
if [ "$vm" = uml ]; then
  # Without rt_group_sched=0 no process in a cgroup may have a real-time policy.
  set -- /usr/bin/linux.uml "mem=${memory}M" seccomp=auto \
    "ubd0=/tmp/root.cow,/mnt$root" "ubd1=/tmp/job.cow,/mnt$job" "ubd2r=/mnt$machine/modules.ext4" \
    con0=null,fd:6 con1=null,fd:7 con2=null,fd:8 con=null ssl=null root=/dev/ubda rootfstype=ext4 rt_group_sched=0 \
    ocx_out=tty1 ocx_status=tty2 ocx_job=ubdb ocx_modules=ubdc $options
else
  # /dev/kvm alone proves nothing: a host that is a paravirtual guest itself has one that can't run a stock kernel.
  if [ -w /dev/kvm ] && { [ -d /sys/module/kvm_intel ] || [ -d /sys/module/kvm_amd ]; }; then
    processor="-accel kvm -cpu host"
  else
    processor="-accel tcg,thread=multi,tb-size=256"
  fi
  disks=()
  number=0
  for disk in "$root" "$job" "$machine/modules.ext4"; do
    number=$((number + 1))
    disks+=(-drive "if=none,id=disk$number,format=raw,snapshot=on,cache=unsafe,file=/mnt$disk")
    disks+=(-device "nvme-ns,drive=disk$number,bus=disks,nsid=$number")
  done
  channels=()
  for descriptor in 6 7 8; do
    channels+=(-chardev "file,id=fd$descriptor,path=/proc/self/fd/$descriptor" -serial "chardev:fd$descriptor")
  done
  # Without an initrd: the kernel has nvme, ext4 and the serial ports built in. The mitigations cost emulation dearly.
  set -- /usr/bin/qemu-system-x86_64 $processor -M pc -m "$memory" -nodefaults -no-user-config -display none -no-reboot \
    "${channels[@]}" -device nvme,id=disks,serial=ocx "${disks[@]}" -kernel "/mnt$machine/vmlinuz" \
    -append "console=ttyS0 root=/dev/nvme0n1 rootfstype=ext4 panic=-1 mitigations=off init_on_alloc=0 nowatchdog audit=0 \
ocx_out=ttyS1 ocx_status=ttyS2 ocx_job=nvme0n2 ocx_modules=nvme0n3 $options"
fi

# Not exec: as the namespace's init this shell reaps what the emulator orphans.
env -i HOME=/tmp TMPDIR=/tmp/scratch PATH=/usr/bin:/bin "$(command -v chroot)" "$tree" "$@" 8>&1 >&6 2>&6 </dev/null || exit
