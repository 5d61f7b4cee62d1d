# dd takes a buffer of the block size and fills it: so much memory, and no more.
for size in 8 16 24 64; do
  if dd if=/dev/zero of=/dev/null bs=${size}M count=1 2>/dev/null; then
    echo "$size MiB: fine"
  else
    echo "$size MiB: ended with status $?"
  fi
done

cd /sys/fs/cgroup
[ ! -d memory ] || cd memory # cgroup v1: a directory for each controller
for file in memory.max memory.limit_in_bytes; do
  [ ! -e $file ] || echo "limit: $(cat $file) bytes"
done
for file in memory.events memory.oom_control; do
  [ ! -e $file ] || echo "killed for want of memory: $(sed -n 's/^oom_kill //p' $file)"
done
