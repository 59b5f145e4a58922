import assert from "node:assert/strict";
import { create } from "@bufbuild/protobuf";
import { localAccounts, openIdentityMap, peopleOf } from "../../../../agent/identity/mod.ts";
import { journal } from "../../../../api/mod.ts";
import { silentLogger } from "../../../../common/log/mod.ts";
import { nodePaths } from "../../../../contracts/mod.ts";
import type { Shim } from "../../../../ffi/mod.ts";
import { tempDir, withShim } from "../../../support/mod.ts";
import { VirtualClock } from "../../../support/clock/mod.ts";

const NONE = localAccounts("", "");
const PASSWD = "root:x:0:0::/root:/bin/sh\nmunge:x:10005:10005::/:/bin/false\n";

function mapOf(version: bigint, names: readonly string[], uid = 10_000): journal.UidMap {
  return create(journal.UidMapSchema, {
    version,
    entries: names.map((username, index) => ({
      subject: `oidc|${username}`,
      uid: uid + index,
      gid: 10_000,
      username,
      home: `/home/${username}`,
      shell: "/bin/bash",
      org: "local",
    })),
    groups: [{ name: "local", gid: 10_000, members: [...names] }],
  });
}

Deno.test("IDM-10: local accounts win, and what can be no account is left out and named", () => {
  const map = mapOf(3n, ["ann", "munge", "Bad Name", "a:b", "zoe"]);
  const odd = (username: string, uid: number, gid = 10_000, home = "/home/odd") =>
    create(journal.UidEntrySchema, { username, uid, gid, home, shell: "/bin/sh" });
  map.entries.push(
    odd("low", 0),
    odd("twin", 10_000),
    odd("evil", 12, 10_000, "x"),
    odd("sly", 10_009, 0),
  );
  const { users, skipped } = peopleOf(map, localAccounts(PASSWD, "root:x:0:\n"));
  assert.deepEqual(users.map(({ name }) => name), ["ann", "zoe"]);
  assert.deepEqual(skipped.map((text) => text.split(":")[0]), [
    '"munge" (10001)',
    '"Bad Name" (10002)',
    '"a',
    '"low" (0)',
    '"twin" (10000)',
    '"evil" (12)',
    '"sly" (10009)',
  ]);
});

Deno.test("IDM-10: an entry with a local account's id is left out too", () => {
  const local = localAccounts(PASSWD, "");
  assert.deepEqual(peopleOf(mapOf(1n, ["ann"], 10_005), local).users, []);
});

Deno.test("NSS-1: a group names those whose primary group is another one, as group(5) does", () => {
  const map = mapOf(1n, ["ann", "bob"]);
  map.groups.push(create(journal.GroupEntrySchema, {
    name: "video",
    gid: 3050,
    members: ["bob", "ann", "bob", "no one"],
  }));
  const { groups } = peopleOf(map, NONE);
  assert.deepEqual(groups.map(({ name, members }) => [name, members]), [
    ["local", []],
    ["video", ["ann", "bob"]],
  ]);
});

interface Scene {
  readonly root: string;
  readonly clock: VirtualClock;
  readonly updates: string[];
  readonly map: ReturnType<typeof openIdentityMap>;
  read(path: string): Promise<string>;
  inode(name: string): Promise<number | null>;
}

async function scene(
  tuning: { mode?: "auto" | "on" | "off"; declaresNfs?: boolean; isSystemd?: boolean },
  test: (scene: Scene, shim: Shim) => Promise<void>,
): Promise<void> {
  await using dir = await tempDir();
  const root = dir.path;
  await Deno.mkdir(`${root}/run/pact`, { recursive: true });
  await Deno.mkdir(`${root}/etc`);
  await Deno.writeTextFile(`${root}/etc/nsswitch.conf`, "passwd: files sss\ngroup: files\n");
  await Deno.writeTextFile(`${root}/etc/passwd`, PASSWD);
  await withShim(async (shim) => {
    const clock = new VirtualClock();
    const updates: string[] = [];
    const map = openIdentityMap({
      files: shim.files,
      paths: nodePaths(root),
      mode: tuning.mode ?? "on",
      clock,
      log: silentLogger,
      declaresNetworkMount: () => tuning.declaresNfs ?? false,
      isLeftToOthers: () => tuning.isSystemd ?? false,
      onActive: () => {},
      onUpdated: (reason) => updates.push(reason),
    });
    const inode = async (name: string) => (await Deno.stat(`${root}/run/pact/${name}`)).ino;
    const read = (path: string) => Deno.readTextFile(`${root}${path}`);
    await test({ root, clock, updates, map, read, inode }, shim);
    map.close();
  });
}

Deno.test("IDM-6: an unchanged map is not written again, a changed one is", () =>
  scene({}, async ({ map, updates, inode }) => {
    map.take(mapOf(1n, ["ann"]));
    const [users, groups] = [await inode("passwd.db"), await inode("group.db")];
    map.take(mapOf(2n, ["ann"]));
    assert.deepEqual([await inode("passwd.db"), await inode("group.db")], [users, groups]);
    map.take(mapOf(3n, ["ann", "bob"]));
    assert.notEqual(await inode("passwd.db"), users);
    assert.equal(await inode("group.db"), groups);
    assert.equal(updates.length, 2);
  }));

Deno.test("IDM-7, F25: a damaged, removed or opened file is written again within a minute", () =>
  scene({}, async ({ map, root, clock, updates }) => {
    map.take(mapOf(1n, ["ann"]));
    const path = `${root}/run/pact/passwd.db`;
    const good = await Deno.readFile(path);
    const damages = [
      () => Deno.remove(path),
      () => Deno.truncate(path, 70),
      () => Deno.writeFile(path, new Uint8Array(good.length)),
      () => Deno.chmod(path, 0o666),
    ];
    for (const damage of damages) {
      await damage();
      clock.advance(60_000);
      assert.deepEqual(await Deno.readFile(path), good);
      assert.equal(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o644);
    }
    assert.equal(updates.length, 1 + damages.length);
  }));

Deno.test("IDM-9: pact is added last to nsswitch.conf, once, and the original is kept", () =>
  scene({}, async ({ map, read }) => {
    map.take(mapOf(1n, ["ann"]));
    map.take(mapOf(2n, ["bob"]));
    assert.equal(await read("/etc/nsswitch.conf"), "passwd: files sss pact\ngroup: files pact\n");
    assert.equal(await read("/etc/nsswitch.conf.pact-orig"), "passwd: files sss\ngroup: files\n");
  }));

for (
  const [what, tuning, isWritten] of [
    ["mode off", { mode: "off", declaresNfs: true }, false],
    ["mode auto without a network file system", { mode: "auto" }, false],
    ["mode auto with a declared one", { mode: "auto", declaresNfs: true }, true],
    ["systemd mode", { mode: "on", isSystemd: true }, false],
  ] as const
) {
  Deno.test(`IDM-1, IDM-9: ${what}: files are ${isWritten ? "" : "not "}written`, () =>
    scene(tuning, async ({ map, read, inode }) => {
      map.take(mapOf(1n, ["ann"]));
      assert.equal(await inode("passwd.db").catch(() => null) !== null, isWritten);
      assert.equal((await read("/etc/nsswitch.conf")).includes("pact"), isWritten);
    }));
}
