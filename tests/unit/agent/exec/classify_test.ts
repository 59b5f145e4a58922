import assert from "node:assert/strict";
import { classify } from "../../../../agent/exec/classify.ts";
import { DEFAULT_COMMANDS } from "../../../../agent/exec/whitelist.ts";

const verdict = (line: string, isPlatformAdmin = false): string => {
  const [name = "", ...args] = line.split(" ");
  const result = classify(name, args, { isPlatformAdmin });
  return result.kind === "refused" ? "refused" : result.class;
};

const expectAll = (expected: string, lines: readonly string[]) => {
  for (const line of lines) assert.equal(verdict(line), expected, line);
};

Deno.test("EXE-3: calls that change nothing are read-only", () => {
  expectAll("read-only", [
    "mount",
    "mount -l",
    "mount -l -t ext4",
    "mount --version",
    "ip addr",
    "ip -6 route show",
    "ip -n blue link show",
    "ip route get 10.0.0.1",
    "sysctl -a",
    "sysctl -n vm.swappiness",
    "systemctl",
    "systemctl status chronyd",
    "systemctl list-units --type service",
    "systemctl is-active x",
    "systemctl cat x",
    "systemctl -t service status x",
    "modprobe -n nvme",
    "modprobe --show-depends nvme",
    "modprobe -D nvme",
    "dmesg -T",
    "dmesg --level err",
    "hostname",
    "hostname -f",
    "ethtool eth0",
    "ethtool -i eth0",
    "ethtool -S eth0",
    "ss -tlnp",
    "nvidia-smi",
    "nvidia-smi -q -d CLOCK",
    "nvidia-smi --query-gpu=name --format=csv",
    "nvidia-smi topo -m",
    "rocm-smi --showtemp",
    "journalctl -u x --since today",
    "journalctl --file /var/log/journal/a.journal",
    "cat /etc/hosts",
    "ping -c 3 host",
  ]);
});

Deno.test("EXE-3: calls that may change something are state-changing", () => {
  expectAll("state-changing", [
    "mount /dev/sda1 /mnt",
    "mount -o remount,rw /",
    "mount -a",
    "umount",
    "umount --help",
    "ip link set eth0 down",
    "ip addr add 10.0.0.1/8 dev eth0",
    "ip link s eth0 down",
    "ip -n blue link delete eth0",
    "sysctl vm.swappiness=10",
    "sysctl -w vm.swappiness=10",
    "sysctl -p",
    "sysctl --sys",
    "systemctl restart x",
    "systemctl -t service stop x",
    "systemctl -- stop x",
    "systemctl daemon-reload",
    "modprobe nvme",
    "modprobe nvme -n",
    "modprobe -- nvme -n",
    "modprobe -r nvme",
    "dmesg -c",
    "dmesg -Tc",
    "dmesg --clear",
    "hostname other",
    "hostname -F /etc/hostname",
    "ethtool -s eth0 speed 100",
    "ethtool -K eth0 tso off",
    "ethtool --set-ring eth0 rx 1",
    "ethtool -t eth0",
    "ss -K dst 10.0.0.1",
    "nvidia-smi -pm 1",
    "nvidia-smi --power-limit=200",
    "nvidia-smi mig -cgi 9",
    "nvidia-smi -i 0 -r",
    "rocm-smi --setfan 100",
    "rocm-smi --resetclocks",
    "journalctl --vacuum-size=1M",
    "journalctl --vac 1",
    "journalctl --rotate",
  ]);
});

Deno.test("EXE-3: options that reach beyond the command are refused to everyone", () => {
  const refused = [
    "ip -batch /tmp/x",
    "ip -b /tmp/x",
    "ip netns exec blue sh",
    "ip netns e blue sh",
    "ip vrf exec red sh",
    "systemctl edit x",
    "systemctl set-environment A=b",
    "systemctl link /tmp/x.service",
    "systemctl preset x",
    "systemctl -H host status",
    "modprobe -C /tmp/x -n nvme",
    "modprobe --config /tmp/x nvme",
    "modprobe -d /tmp nvme",
    "ethtool -f eth0 x",
    "nvidia-smi -f /tmp/x",
    "ss -D /tmp/x",
    "ss --diag=/tmp/x",
    "file -C -m /tmp/x",
    "journalctl --file /etc/passwd",
    "journalctl --file=/var/log/../../etc/passwd",
    "journalctl -D /tmp",
  ];
  for (const line of refused) assert.equal(verdict(line, true), "refused", line);
});

Deno.test("EXE-3: only a platform admin floods a network with ping -f", () => {
  assert.equal(verdict("ping -f host"), "refused");
  assert.equal(verdict("ping -f host", true), "read-only");
});

Deno.test("WHL-1: the default list has 38 names, six of them starred", () => {
  assert.equal(DEFAULT_COMMANDS.length, 38);
  const names = DEFAULT_COMMANDS.map(({ name }) => name);
  assert.deepEqual(names, names.toSorted());
  assert.deepEqual(
    DEFAULT_COMMANDS.filter(({ stateChanging }) => stateChanging).map(({ name }) => name),
    ["ip", "modprobe", "mount", "sysctl", "systemctl", "umount"],
  );
});
