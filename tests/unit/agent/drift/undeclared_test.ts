import assert from "node:assert/strict";
import {
  chosenMountPoints,
  incidentalModules,
  isMountedAs,
  mountValue,
  onDemandModules,
  parseModules,
} from "../../../../agent/drift/mod.ts";
import { parseMountTable } from "../../../../agent/mounts/mod.ts";

Deno.test("OBS-9: mount points of an ordinary node that come and go by themselves are not looked at", () => {
  const table = parseMountTable([
    "22 1 8:1 / / rw - ext4 /dev/sda1 rw",
    "23 22 0:30 / /home rw - autofs auto.home rw,fd=7",
    "24 23 0:31 / /home/ann rw - nfs4 nas:/home/ann rw",
    "25 22 0:32 / /var/lib/kubelet/pods/7/volumes/x rw - tmpfs tmpfs rw",
    "26 22 0:33 / /run/credentials/a.service ro - tmpfs none ro",
    "27 22 0:4 net:[4026] /run/mine rw - nsfs nsfs rw",
    "28 22 0:34 / /homework rw - tmpfs tmpfs rw",
    "29 28 0:35 / /homework rw - tmpfs tmpfs rw",
  ].join("\n"));
  assert.deepEqual(chosenMountPoints(table), ["/", "/homework"]);
});

Deno.test("OBS-9: a mount's value has its options and its file system's, and where it is a part, of what", () => {
  const [line] = parseMountTable(
    "30 22 8:1 /srv/a /mnt rw,nosuid,relatime shared:1 - ext4 /dev/sda1 ro,relatime,errors=panic",
  );
  assert.ok(line !== undefined);
  assert.deepEqual(mountValue(line), {
    kind: "mount",
    fsType: "ext4",
    source: "/dev/sda1[/srv/a]",
    options: "nosuid,relatime,errors=panic",
    readOnly: true,
  });
});

Deno.test("APL-4: a mount is as declared in the kernel's words for the same options", () => {
  const mount = { kind: "mount", fsType: "tmpfs", source: "none", readOnly: false } as const;
  const actual = { ...mount, options: "nosuid,relatime,size=1024k" };
  assert.equal(isMountedAs({ ...mount, options: "size=1m,nosuid,x-pact.critical" }, actual), true);
  assert.equal(isMountedAs({ ...mount, options: "defaults" }, actual), true);
  assert.equal(isMountedAs({ ...mount, options: "nosuid,noexec" }, actual), false);
  assert.equal(isMountedAs({ ...mount, options: "ro" }, actual), false);
  assert.equal(isMountedAs({ ...mount, options: "", source: "other" }, actual), false);
});

Deno.test("OBS-9: modules are read as the kernel lists them, those on their way left out", () => {
  const text = "nfs 1 2 - Live 0x0\nsunrpc 1 - nfs,[permanent], Live 0x0\nx 1 1 - Loading 0x0\n\n";
  assert.deepEqual(parseModules(text), [
    { name: "nfs", holders: [], references: 2 },
    { name: "sunrpc", holders: ["nfs"], references: 0 },
  ]);
});

Deno.test("OBS-9: a module is accounted for by an alias without a bus, or by one that needs it", () => {
  const aliases = "# Aliases\nalias net-pf-10 ipv6\nalias usb:v1d6b* gadget-fs\nalias fs-9p 9p\n" +
    "alias char-major-10-200 tun\nalias crypto-sha256-generic sha256-generic\n";
  const onDemand = onDemandModules(aliases);
  assert.deepEqual([...onDemand], ["ipv6", "9p", "tun", "sha256_generic"]);
  const loaded = parseModules(
    "9p 1 0 - Live 0x0\n9pnet 1 1 9p, Live 0x0\nnetfs 1 2 9pnet, Live 0x0\n" +
      "gadget_fs 1 0 - Live 0x0\n",
  );
  const incidental = incidentalModules(loaded, (name) => onDemand.has(name));
  assert.deepEqual([...incidental].sort(), ["9p", "9pnet", "netfs"]);
});
