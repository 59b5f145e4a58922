import assert from "node:assert/strict";
import { ShellAddresses } from "../../../../agent/rpc/mod.ts";

Deno.test("NET-12: without roles the shell is served over every address", () => {
  const addresses = new ShellAddresses();
  assert.ok(addresses.serves("10.8.0.2"));
  addresses.allow([]);
  assert.ok(!addresses.serves("10.8.0.2"));
  addresses.allow(undefined);
  assert.ok(addresses.serves("10.8.0.2"));
});

Deno.test("NET-12: with roles over the management network and loopback, however an address is written", () => {
  const addresses = new ShellAddresses();
  addresses.allow(["10.7.0.2", "fd00:7::2", "fe80::1"]);
  for (
    const served of [
      "10.7.0.2",
      "::ffff:10.7.0.2",
      "fd00:7:0::2",
      "FD00:7::2",
      "fe80::1%eth0",
      "127.0.0.1",
      "127.1.2.3",
      "::1",
      "::ffff:127.0.0.1",
    ]
  ) assert.ok(addresses.serves(served), served);
  for (const refused of ["10.8.0.2", "::ffff:10.8.0.2", "fd00:8::2", "128.0.0.1", "0.0.0.0", ""]) {
    assert.ok(!addresses.serves(refused), refused);
  }
});
