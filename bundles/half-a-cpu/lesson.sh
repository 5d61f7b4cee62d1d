# Two processes work without a pause for a second, and tell what the kernel has counted meanwhile.
cd /sys/fs/cgroup
[ ! -d cpu ] || cd cpu # cgroup v1: a directory for each controller

# Hundredths of a second since the machine was started.
now() {
  read -r uptime rest </proc/uptime
  now=${uptime%.*}${uptime#*.}
}
work() {
  now
  end=$((now + 100))
  while [ $now -lt $end ]; do now; done
}
value() { sed -n "s/^$1 //p" cpu.stat; }

work &
work &
wait

times >/tmp/times # "0m0.13s 0m0.38s", outside of the kernel and in it, for the shell and in a second line for its children
awk -F '[ms ]+' '{ seconds += 60 * ($1 + $3) + $2 + $4 } END { printf "%.2f seconds of a processor in one second\n", seconds }' /tmp/times
periods=$(value nr_periods)
[ "$periods" -eq 0 ] || echo "stopped in $(value nr_throttled) of $periods periods"
