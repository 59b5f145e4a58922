import assert from "node:assert/strict";
import { decodeUevent } from "../../../../agent/hardware/mod.ts";
import { deviceEvent } from "../../../../agent/observer/device_event.ts";
import { parseMountTable } from "../../../../agent/mounts/mod.ts";
import { diffMounts } from "../../../../agent/observer/mount_table.ts";
import { diffNetwork, sendersOf } from "../../../../agent/observer/network_table.ts";

const ROOT = "22 1 0:20 / / rw,relatime shared:1 - ext4 /dev/vda rw";
const DATA = "30 22 0:30 / /mnt/my\\040data rw,nosuid - tmpfs none rw,size=4k";

function changes(before: string[], after: string[]) {
  return diffMounts(parseMountTable(before.join("\n")), parseMountTable(after.join("\n")))
    .map(({ path, detail }) => `${path}: ${detail}`);
}

Deno.test("OBS-3: a table of mounts tells what was mounted, unmounted, remounted and moved", () => {
  const there = "tmpfs from none (rw,nosuid; rw,size=4k)";
  assert.deepEqual(changes([ROOT], [ROOT, DATA]), [`/mnt/my data: mounted ${there}`]);
  assert.deepEqual(changes([ROOT, DATA], [ROOT]), [`/mnt/my data: unmounted ${there}`]);
  assert.deepEqual(changes([DATA], [DATA.replace("rw,nosuid", "ro,nosuid")]), [
    `/mnt/my data: remounted tmpfs from none (ro,nosuid; rw,size=4k), was ${there}`,
  ]);
  assert.deepEqual(changes([DATA], [DATA.replace("/mnt/my\\040data", "/srv")]), [
    "/mnt/my data: moved to /srv",
    "/srv: moved from /mnt/my data",
  ]);
  assert.deepEqual(changes([ROOT, DATA], [DATA, ROOT]), []);
});

Deno.test("what is no line of a mount table is left out", () => {
  assert.deepEqual(parseMountTable("\nnonsense\n1 2 3\n22 1 0:20 / / rw - ext4\n"), []);
});

Deno.test("OBS-6: the change of an interface carries name, old and new value", () => {
  const up = new Map([["state", "up"], ["mtu", "1500"]]);
  const changed = new Map([["state", "down"], ["address 10.0.0.1/8", "there"]]);
  assert.deepEqual(diffNetwork(new Map([["eth0", up]]), new Map([["eth0", changed]])), [{
    category: "network",
    path: "eth0",
    detail: "state up -> down; mtu gone; address 10.0.0.1/8 there new",
  }]);
  assert.equal(
    diffNetwork(new Map(), new Map([["eth1", up]]))[0]?.detail,
    "interface new; state up; mtu 1500",
  );
  assert.equal(diffNetwork(new Map([["eth1", up]]), new Map())[0]?.detail, "interface gone");
  assert.deepEqual(diffNetwork(new Map([["eth0", up]]), new Map([["eth0", new Map(up)]])), []);
});

Deno.test("the sender of a netlink message is read from its header, whatever else is in the datagram", () => {
  const bytes = new Uint8Array(32 + 8);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, 32, true);
  view.setUint16(4, 20, true);
  view.setUint32(12, 4711, true);
  view.setUint32(20, 3, true);
  view.setUint32(32, 9999, true);
  assert.deepEqual(sendersOf(bytes), [{ pid: 4711, interfaceIndex: 3 }]);
  view.setUint32(12, 0, true);
  assert.deepEqual(sendersOf(bytes), []);
  view.setUint32(12, 0x8000_0001, true);
  assert.deepEqual(sendersOf(bytes), []);
});

Deno.test("OBS-3: uevents are about modules, disks, GPUs and network cards", () => {
  const of = (...texts: string[]) => {
    const uevent = decodeUevent(new TextEncoder().encode(texts.join("\0") + "\0"));
    const event = uevent && deviceEvent(uevent);
    return event && `${event.category}:${event.path}`;
  };
  assert.equal(of("add@/module/loop", "SUBSYSTEM=module"), "kernel:module:loop");
  assert.equal(of("add@/devices/virtual/net/br0", "SUBSYSTEM=net", "INTERFACE=br0"), "network:br0");
  assert.equal(of("remove@/devices/x/sda", "SUBSYSTEM=block", "DEVNAME=sda"), "kernel:block:sda");
  const gpu = [
    "SUBSYSTEM=pci",
    "PCI_ID=10DE:2330",
    "PCI_CLASS=30200",
    "PCI_SLOT_NAME=0000:04:00.0",
  ];
  assert.equal(of("remove@/devices/pci/0000:04:00.0", ...gpu), "gpu:0000:04:00.0");
  assert.equal(
    of("add@/devices/x", "SUBSYSTEM=pci", "PCI_ID=8086:1572", "PCI_CLASS=20000"),
    undefined,
  );
  assert.equal(of("add@/devices/x", "SUBSYSTEM=input"), undefined);
});
