import assert from "node:assert/strict";
import { inNetworkNamespace } from "../../../support/network/mod.ts";
import { openDeviceSource } from "../../../../agent/observer/device_source.ts";
import { waitFor, withShim } from "../../../support/mod.ts";
import { observing } from "./scene.ts";

inNetworkNamespace(import.meta.url, () => {
  Deno.test("OBS-3: a mount and its end are seen, with where and what", () =>
    observing({ root: "" }, async (scene) => {
      await using place = await directory();
      await scene.run("mount", "-t", "tmpfs", "-o", "size=64k", "none", place.path);
      const mounted = await scene.eventOf("mounts", place.path);
      assert.match(mounted.detail, /^mounted tmpfs from none \(rw,.*size=64k/);
      await scene.run("mount", "-o", "remount,ro", place.path);
      await scene.eventWith("mounts", place.path, /^remounted tmpfs from none \(ro,/);
      await scene.run("umount", place.path);
      await scene.eventWith("mounts", place.path, /^unmounted tmpfs/);
    }));

  Deno.test("OBS-6: links, addresses and routes are seen by interface, with old and new value", () =>
    observing({ root: "" }, async (scene) => {
      await scene.run("ip", "link", "add", "near0", "type", "veth", "peer", "name", "far0");
      await scene.eventWith("network", "near0", /^interface new/);
      await scene.run("ip", "link", "set", "near0", "mtu", "1400", "up");
      await scene.eventWith("network", "near0", /state down -> up.*mtu 1500 -> 1400/);
      await scene.run("ip", "address", "add", "10.9.8.7/24", "dev", "near0");
      await scene.eventWith("network", "near0", /address 10\.9\.8\.7\/24 there new/);
      await scene.run("ip", "route", "add", "10.1.0.0/16", "via", "10.9.8.1");
      await scene.eventWith(
        "network",
        "near0",
        /route 10\.1\.0\.0\/16 metric 0 by 10\.9\.8\.1 new/,
      );
      await scene.run("ip", "link", "del", "near0");
      await scene.eventWith("network", "near0", /interface gone/);
    }));

  Deno.test("a network change is put down to the process whose socket asked for it, as likely", () =>
    observing({ root: "" }, async (scene) => {
      await scene.run("ip", "link", "add", "near1", "type", "veth", "peer", "name", "far0");
      await scene.eventOf("network", "near1");
      // One process that stays, so that nothing depends on what was remembered of it.
      const script = "address add 10.9.9.7/24 dev near1\n";
      const child = new Deno.Command("ip", { args: ["-batch", "-"], stdin: "piped" }).spawn();
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode(script));
      const { actor } = await scene.eventWith("network", "near1", /10\.9\.9\.7/);
      await writer.close();
      await child.status;
      assert.deepEqual(
        [actor?.pid, actor?.comm, actor?.confidence],
        [child.pid, "ip", "likely"],
      );
    }));

  Deno.test("OBS-3: a device that comes and goes is told by its uevents", () =>
    withShim(async (shim) => {
      const pump = shim.startEvents();
      const seen: string[] = [];
      const source = openDeviceSource(shim, pump, {
        tell: ({ category, path, detail }) => seen.push(`${category}:${path} ${detail}`),
        lost: () => {},
        actor: () => undefined,
      });
      const ip = (...args: string[]) => new Deno.Command("ip", { args }).output();
      await ip("link", "add", "near2", "type", "veth", "peer", "name", "far2");
      await ip("link", "del", "near2");
      const wanted = ["add", "remove"].map((action) =>
        `network:near2 ${action} /devices/virtual/net/near2`
      );
      await waitFor(() => wanted.every((text) => seen.includes(text)), {
        timeoutMs: 5_000,
        what: wanted.join(", "),
      });
      source.close();
      await pump.close();
    }));
});

async function directory() {
  const path = await Deno.makeTempDir();
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path) };
}
