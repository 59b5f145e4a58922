import assert from "node:assert/strict";
import fc from "fast-check";
import { matchesGlob, moduleIndex, type ModuleTables } from "../../../../agent/hardware/mod.ts";

const TABLES: ModuleTables = {
  aliases: [
    "# Aliases extracted from modules themselves.",
    "alias pci:v00001AF4d*sv*sd*bc*sc*i* virtio_pci",
    "alias virtio:d00000001v* virtio_net",
    "alias virtio:d00000002v* virtio-blk",
    "alias pci:v*d*sv*sd*bc01sc06i01* ahci",
    "alias pci:v000010DEd*sv*sd*bc03sc0[0-2]i00* nouveau",
    "alias acpi*:PNP0303:* i8042-kbd",
  ].join("\n"),
  dependencies: [
    "kernel/drivers/virtio/virtio_ring.ko.xz:",
    "kernel/drivers/virtio/virtio.ko.xz: kernel/drivers/virtio/virtio_ring.ko.xz",
    "kernel/net/core/failover.ko:",
    "kernel/drivers/net/net_failover.ko: kernel/net/core/failover.ko",
    "kernel/drivers/net/virtio_net.ko: kernel/drivers/net/net_failover.ko kernel/net/core/failover.ko kernel/drivers/virtio/virtio.ko.xz kernel/drivers/virtio/virtio_ring.ko.xz",
    "kernel/drivers/block/virtio_blk.ko: kernel/drivers/virtio/virtio.ko.xz kernel/drivers/virtio/virtio_ring.ko.xz",
    "kernel/drivers/ata/ahci.ko:",
    "kernel/lib/crc32c_generic.ko:",
    "kernel/drivers/gpu/nouveau.ko:",
  ].join("\n"),
  softDependencies: "softdep virtio_blk pre: crc32c-generic post: ahci\n",
  builtin: "kernel/drivers/virtio/virtio_pci.ko\n",
  configuration: ["blacklist nouveau\noptions virtio_net napi_tx=1 \\\n  gso=0\n"],
  commandLine: ["quiet", "virtio_blk.num_request_queues=2", "modprobe.blacklist=ahci"],
};

const index = moduleIndex(TABLES);

function pathsOf(name: string): readonly string[] | undefined {
  return index.chainOf(name)?.map(({ path }) => path.replace(/^.*\//, ""));
}

Deno.test("CLD-1: a device finds its drivers by the kernel's alias table", () => {
  assert.deepEqual(
    index.modulesFor("pci:v00001AF4d00001000sv00001AF4sd00000001bc02sc00i00"),
    ["virtio_pci"],
  );
  assert.deepEqual(index.modulesFor("virtio:d00000001v00001AF4"), ["virtio_net"]);
  assert.deepEqual(index.modulesFor("virtio:d00000002v00001AF4"), ["virtio_blk"]);
  assert.deepEqual(index.modulesFor("acpi:PNP0303:PNP030B:"), ["i8042_kbd"]);
  assert.deepEqual(index.modulesFor("usb:v1D6Bp0002"), []);
});

Deno.test("CLD-1: what a module needs is loaded before it, the most basic first", () => {
  assert.deepEqual(pathsOf("virtio_net"), [
    "virtio_ring.ko.xz",
    "virtio.ko.xz",
    "failover.ko",
    "net_failover.ko",
    "virtio_net.ko",
  ]);
});

Deno.test("CLD-1: soft dependencies go before and after", () => {
  assert.deepEqual(pathsOf("virtio-blk"), [
    "crc32c_generic.ko",
    "virtio_ring.ko.xz",
    "virtio.ko.xz",
    "virtio_blk.ko",
    "ahci.ko",
  ]);
});

Deno.test("CLD-1: a blacklisted module is not found for a device, on the command line or in a file", () => {
  assert.deepEqual(index.modulesFor("pci:v000010DEd00001234sv0sd0bc03sc00i00"), []);
  assert.deepEqual(index.modulesFor("pci:v00008086d00002922sv0sd0bc01sc06i01"), []);
  const open = moduleIndex({ ...TABLES, configuration: [], commandLine: [] });
  assert.deepEqual(open.modulesFor("pci:v000010DEd00001234sv0sd0bc03sc00i00"), ["nouveau"]);
  assert.deepEqual(open.modulesFor("pci:v000010DEd00001234sv0sd0bc03sc03i00"), []);
});

Deno.test("parameters come from options lines and from the command line", () => {
  const parametersOf = (name: string) => index.chainOf(name)?.at(name === "virtio_net" ? -1 : -2);
  assert.equal(parametersOf("virtio_net")?.parameters, "napi_tx=1 gso=0");
  assert.equal(parametersOf("virtio_blk")?.parameters, "num_request_queues=2");
});

Deno.test("a module that is built in needs nothing, one that is not there is told apart", () => {
  assert.deepEqual(index.chainOf("virtio_pci"), []);
  assert.equal(index.chainOf("no_such_module"), undefined);
});

Deno.test("soft dependencies in a circle come to an end", () => {
  const circle = moduleIndex({
    ...TABLES,
    softDependencies: "softdep ahci pre: nouveau\nsoftdep nouveau pre: ahci\n",
    configuration: [],
  });
  assert.ok((circle.chainOf("ahci")?.length ?? 0) >= 1);
});

Deno.test("a pattern matches exactly what the same regular expression does", () => {
  const piece = fc.constantFrom("a", "b", "*", "?", "[ab]", "[!a]", "[a-c]", "c", ":");
  const pattern = fc.array(piece, { maxLength: 8 });
  const text = fc.array(fc.constantFrom("a", "b", "c", "d", ":"), { maxLength: 10 });
  fc.assert(
    fc.property(pattern, text, (pieces, characters) => {
      const source = pieces.map((one) =>
        one === "*" ? ".*" : one === "?" ? "." : one.replace("[!", "[^")
      ).join("");
      const subject = characters.join("");
      assert.equal(matchesGlob(pieces.join(""), subject), new RegExp(`^${source}$`).test(subject));
    }),
    { numRuns: 2000 },
  );
});

Deno.test("CLD-4: devices find their drivers among 30000 aliases, each its own", () => {
  const aliases = Array.from({ length: 30_000 }, (_, n) => {
    const id = n.toString(16).toUpperCase().padStart(8, "0");
    return `alias pci:v${id}d0000${id.slice(4)}sv*sd*bc*sc*i* module_${n}`;
  });
  const large = moduleIndex({ ...TABLES, aliases: aliases.join("\n") });
  for (let n = 0; n < 500; n++) {
    const id = (n * 59).toString(16).toUpperCase().padStart(8, "0");
    const found = large.modulesFor(`pci:v${id}d0000${id.slice(4)}sv0000sd0000bc02sc00i00`);
    assert.deepEqual(found, [`module_${n * 59}`]);
  }
});
