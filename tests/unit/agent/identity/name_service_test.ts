import assert from "node:assert/strict";
import {
  encodeGroups,
  encodeUsers,
  type MappedGroup,
  type MappedUser,
} from "../../../../agent/identity/mod.ts";
import { buildNss, findCompiler } from "../../../../ffi/build/mod.ts";
import { needingSysAdmin, repositoryRoot, tempDir, within } from "../../../support/mod.ts";

const user = (name: string, uid: number, gid = 10_000): MappedUser => ({
  name,
  uid,
  gid,
  gecos: "local",
  home: `/home/${name}`,
  shell: "/bin/bash",
});
const PEOPLE = [user("ann", 10_001), user("bob", 10_000), user("zoe", 20_000, 20_000)];
const GROUPS: readonly MappedGroup[] = [
  { name: "eth", gid: 20_000, members: [] },
  { name: "local", gid: 10_000, members: [] },
  { name: "render", gid: 3000, members: ["ann", "zoe"] },
  { name: "staff", gid: 2001, members: ["ann"] },
  { name: "video", gid: 3050, members: ["ann"] },
];

/** Other name service, /run and files than the machine's, in a mount namespace of its own. */
const SCENE = `
set -e
mount --bind "$DIR/nsswitch.conf" /etc/nsswitch.conf
mount -t tmpfs none /run
mkdir /run/pact
cp "$DIR"/*.db /run/pact/ 2>/dev/null || true
`;

async function inScene(
  dir: string,
  script: string,
  files: Record<string, Uint8Array | string>,
): Promise<string> {
  const { path } = await buildNss();
  for (const [name, content] of Object.entries(files)) {
    if (typeof content === "string") await Deno.writeTextFile(`${dir}/${name}`, content);
    else await Deno.writeFile(`${dir}/${name}`, content, { mode: 0o644 });
  }
  const { success, stdout, stderr } = await new Deno.Command("unshare", {
    args: ["--mount", "timeout", "20", "sh", "-c", SCENE + script],
    env: { DIR: dir, LD_LIBRARY_PATH: path.slice(0, path.lastIndexOf("/")), LC_ALL: "C" },
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}

const SWITCH = "passwd: files pact\ngroup: files pact\n";
const DATABASES = {
  "nsswitch.conf": SWITCH,
  "passwd.db": encodeUsers(PEOPLE, 7n),
  "group.db": encodeGroups(GROUPS, 7n),
};

Deno.test({
  ...needingSysAdmin("ACC-A7, NSS-1: getent, id and ls show the people of the map"),
  async fn() {
    await using dir = await tempDir();
    const shown = await inScene(
      dir.path,
      `getent passwd ann 10000
       getent group render 2001
       id ann
       getent passwd | grep -c home/
       touch /run/file && chown 20000:3050 /run/file && stat -c %U:%G /run/file
       getent passwd nobodyknows || echo "code $?"
       getent passwd root | cut -d: -f1,3`,
      DATABASES,
    );
    assert.deepEqual(shown.trim().split("\n"), [
      "ann:*:10001:10000:local:/home/ann:/bin/bash",
      "bob:*:10000:10000:local:/home/bob:/bin/bash",
      "render:*:3000:ann,zoe",
      "staff:*:2001:ann",
      "uid=10001(ann) gid=10000(local) groups=10000(local),2001(staff),3000(render),3050(video)",
      String(3 + await localHomes()),
      "zoe:video",
      "code 2",
      "root:0",
    ]);
  },
});

Deno.test({
  ...needingSysAdmin("NSS-4: with no file, or a damaged one, local accounts are found as ever"),
  async fn() {
    for (const db of [undefined, new Uint8Array(4096), DATABASES["passwd.db"].slice(0, 100)]) {
      await using dir = await tempDir();
      const files = { "nsswitch.conf": SWITCH, ...(db === undefined ? {} : { "passwd.db": db }) };
      const shown = await inScene(
        dir.path,
        "getent passwd root | cut -d: -f3; id -un; getent passwd ann || echo none",
        files,
      );
      assert.equal(shown, "0\nroot\nnone\n");
    }
  },
});

Deno.test({
  ...needingSysAdmin("ACC-A7, NSS-3: a program that runs sees an update of the map"),
  async fn() {
    await using dir = await tempDir();
    const program = dir.file("name_client");
    const { command } = await findCompiler(Deno.env.get("PACT_CC"));
    const source = `${repositoryRoot}tests/support/programs/name_client.c`;
    const built = await new Deno.Command(command, {
      args: ["-O2", "-D_GNU_SOURCE", "-Wall", "-Werror", "-o", program, source],
    }).output();
    assert.ok(built.success, new TextDecoder().decode(built.stderr));
    await Deno.writeFile(dir.file("next.new"), encodeUsers([user("ann", 10_042)], 8n));
    const shown = await within(
      inScene(
        dir.path,
        `cd /run
         mkfifo ask
         touch answers
         "$DIR/name_client" <ask >answers & exec 3>ask
         wait_lines() { while [ "$(wc -l <answers)" -lt "$1" ]; do :; done; }
         echo ann >&3; wait_lines 1
         cp "$DIR/next.new" /run/pact/next; mv /run/pact/next /run/pact/passwd.db
         echo ann >&3; wait_lines 2
         rm /run/pact/passwd.db
         echo ann >&3; wait_lines 3
         exec 3>&-
         wait
         cat answers`,
        DATABASES,
      ),
      { what: "the program's answers", timeoutMs: 20_000 },
    );
    assert.deepEqual(shown.trim().split("\n"), [
      "ann 10001 10000 10000 2001 3000 3050",
      "ann 10042 10000 10000 2001 3000 3050",
      "ann -",
    ]);
  },
});

/** Accounts of this machine that `grep home/` finds too. */
async function localHomes(): Promise<number> {
  const passwd = await Deno.readTextFile("/etc/passwd");
  return passwd.split("\n").filter((line) => line.includes("home/")).length;
}
