import assert from "node:assert/strict";
import { formatCidr, formatIp, parseCidr, parseIp } from "../../../../../agent/interfaces/mod.ts";
import { type Cidr } from "../../../../../agent/interfaces/mod.ts";
import {
  createRtnetlink,
  ROUTE_PROTOCOL,
  type Rtnetlink,
} from "../../../../../agent/network/mod.ts";
import { isShimError, NETLINK_GROUP } from "../../../../../ffi/mod.ts";
import { waitFor, withShim } from "../../../../support/mod.ts";
import { inNetworkNamespace, layCable } from "../../../../support/network/mod.ts";

function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  assert.ok(parsed !== undefined, text);
  return parsed;
}

function ip(text: string): Uint8Array {
  const parsed = parseIp(text);
  assert.ok(parsed !== undefined, text);
  return parsed;
}

function linkNamed(rtnetlink: Rtnetlink, name: string) {
  const link = rtnetlink.links().find((link) => link.name === name);
  assert.ok(link !== undefined, name);
  return link;
}

function addressesOf(rtnetlink: Rtnetlink, index: number): string[] {
  return rtnetlink.addresses().filter((address) =>
    address.interfaceIndex === index && !address.isLinkLocal
  ).map(({ cidr }) => formatCidr(cidr));
}

inNetworkNamespace(import.meta.url, () => {
  Deno.test("NET-1: links are brought up and given an MTU without any program", async () => {
    await using cable = await layCable();
    await withShim((shim) => {
      const rtnetlink = createRtnetlink(shim.network);
      const before = linkNamed(rtnetlink, cable.near);
      assert.deepEqual([before.isUp, before.mtu, before.isLoopback], [false, 1500, false]);
      assert.equal(before.linkAddress.byteLength, 6);
      rtnetlink.changeLink(before, { isUp: true, mtu: 9000 });
      const after = linkNamed(rtnetlink, cable.near);
      assert.deepEqual([after.isUp, after.hasCarrier, after.mtu], [true, true, 9000]);
      rtnetlink.changeLink(before, { isUp: false });
      assert.equal(linkNamed(rtnetlink, cable.near).isUp, false);
    });
  });

  Deno.test("NEN-1: the kernel says over which interface packets to an address leave, and with which address that was made", async () => {
    await using cable = await layCable();
    await withShim((shim) => {
      const rtnetlink = createRtnetlink(shim.network);
      const link = linkNamed(rtnetlink, cable.near);
      assert.equal(rtnetlink.wayTo(ip("10.9.0.1")), undefined, "no route");
      rtnetlink.changeLink(link, { isUp: true });
      rtnetlink.addAddress(link.index, cidr("10.9.0.2/24"));
      rtnetlink.addAddress(link.index, cidr("fd00:9::2/64"));
      assert.equal(rtnetlink.wayTo(ip("10.9.0.1")), link.index);
      assert.equal(rtnetlink.wayTo(ip("fd00:9::1")), link.index);
      assert.equal(rtnetlink.wayTo(ip("192.0.2.1")), undefined, "only a default route leads there");
      assert.ok([0, 6].includes(link.permanentAddress.byteLength));
    });
  });

  Deno.test("NET-1: addresses and routes are added, listed and removed, each repeatable", async () => {
    await using cable = await layCable();
    await withShim((shim) => {
      const rtnetlink = createRtnetlink(shim.network);
      const link = linkNamed(rtnetlink, cable.near);
      rtnetlink.changeLink(link, { isUp: true });
      for (const text of ["10.9.0.2/24", "fd00:9::2/64", "10.9.0.2/24"]) {
        rtnetlink.addAddress(link.index, cidr(text));
      }
      assert.deepEqual(addressesOf(rtnetlink, link.index).sort(), ["10.9.0.2/24", "fd00:9::2/64"]);
      const route = (gateway: string) => ({
        destination: cidr("0.0.0.0/0"),
        gateway: ip(gateway),
        interfaceIndex: link.index,
        metric: 0,
        protocol: ROUTE_PROTOCOL.static,
      });
      rtnetlink.addRoute(route("10.9.0.1"), { replace: false });
      assert.throws(
        () => rtnetlink.addRoute(route("10.9.0.3"), { replace: false }),
        (error) =>
          isShimError(error, "EEXIST") && /add route to 0\.0\.0\.0\/0: /.test(error.message),
      );
      rtnetlink.addRoute(route("10.9.0.3"), { replace: true });
      const defaults = rtnetlink.routes().filter(({ destination }) =>
        destination.prefixLength === 0 && destination.address.byteLength === 4
      );
      assert.deepEqual(defaults.map(({ gateway }) => formatIp(gateway ?? ip("::"))), ["10.9.0.3"]);
      for (let times = 0; times < 2; times++) {
        rtnetlink.removeRoute(route("10.9.0.3"));
        rtnetlink.removeAddress(link.index, cidr("10.9.0.2/24"));
      }
      assert.deepEqual(addressesOf(rtnetlink, link.index), ["fd00:9::2/64"]);
    });
  });

  Deno.test("an unreachable gateway and an unknown interface are named with the kernel's reason", async () => {
    await withShim((shim) => {
      const rtnetlink = createRtnetlink(shim.network);
      const route = {
        destination: cidr("0.0.0.0/0"),
        gateway: ip("192.0.2.1"),
        interfaceIndex: 1,
        metric: 0,
        protocol: ROUTE_PROTOCOL.static,
      };
      assert.throws(
        () => rtnetlink.addRoute(route, { replace: false }),
        /add route to 0\.0\.0\.0\/0: Network is (unreachable|down)/,
      );
      assert.throws(
        () => rtnetlink.changeLink({ index: 4711, name: "gone0" }, { isUp: true }),
        /change link gone0: No such device/,
      );
    });
  });

  Deno.test("a table larger than the first buffer is read whole", async () => {
    await using cable = await layCable();
    await withShim((shim) => {
      const rtnetlink = createRtnetlink(shim.network);
      const link = linkNamed(rtnetlink, cable.near);
      rtnetlink.changeLink(link, { isUp: true });
      const count = 2000;
      for (let n = 0; n < count; n++) {
        rtnetlink.addAddress(link.index, cidr(`10.8.${n >> 8}.${n & 255}/32`));
      }
      assert.equal(addressesOf(rtnetlink, link.index).length, count);
    });
  });

  Deno.test("NET-10: a cable that is pulled is news at once", async () => {
    await using cable = await layCable();
    await withShim(async (shim) => {
      const rtnetlink = createRtnetlink(shim.network);
      const link = linkNamed(rtnetlink, cable.near);
      rtnetlink.changeLink(link, { isUp: true });
      const pump = shim.startEvents();
      let news = 0;
      const listener = shim.network.listen(pump, "route", NETLINK_GROUP.link, () => news++);
      await cable.peer.run("ip", "link", "set", "far0", "down");
      await waitFor(() => news > 0, { what: "news of the link" });
      assert.equal(linkNamed(rtnetlink, cable.near).hasCarrier, false);
      listener.close();
      listener.close();
      await pump.close();
    });
  });
});
