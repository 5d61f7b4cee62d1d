# Work that takes a processor a second or so, and what the kernel has to say about it.
cd /sys/fs/cgroup
[ ! -d cpu ] || cd cpu # cgroup v1: a directory for each controller

value() { sed -n "s/^$1 //p" cpu.stat; }

read -r before rest </proc/uptime
i=0
while [ $i -lt 300000 ]; do i=$((i + 1)); done
read -r after rest </proc/uptime

echo "counting to $i took from $before to $after seconds of uptime"
echo "throttled in $(value nr_throttled) of $(value nr_periods) periods"
