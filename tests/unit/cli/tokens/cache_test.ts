import assert from "node:assert/strict";
import {
  type CachedLogin,
  CacheFile,
  EMPTY_CACHE,
  withDefault,
  withLogin,
  withoutLogin,
} from "../../../../cli/tokens/mod.ts";
import { tempDir } from "../../../support/mod.ts";
import { memoryHost } from "../memory_host.ts";

const A = "https://a:9443";
const B = "https://b:9443";

const LOGIN: CachedLogin = {
  access_token: "t",
  refresh_token: null,
  expires_at: null,
  scopes: [],
  idp_issuer: "https://idp.example",
  client_id: "pact",
  token_endpoint: "https://idp.example/token",
  revocation_endpoint: null,
};

Deno.test("CLI-32: the first login makes its server the default, later ones do not", () => {
  const first = withLogin(EMPTY_CACHE, A, LOGIN);
  const second = withLogin(first, B, LOGIN);
  assert.deepEqual([first.default_server, second.default_server], [A, A]);
  assert.equal(withDefault(second, B).default_server, B);
});

Deno.test("CLI-37: without its server there is no default", () => {
  const both = withLogin(withLogin(EMPTY_CACHE, A, LOGIN), B, LOGIN);
  assert.equal(withoutLogin(both, B).default_server, A);
  assert.deepEqual(withoutLogin(both, A), { ...EMPTY_CACHE, servers: { [B]: LOGIN } });
});

Deno.test("CLI-33: fifty changes at once lose nothing, and leave one file that only its owner reads", async () => {
  await using dir = await tempDir();
  const directory = dir.file("new/pact");
  const host = memoryHost({});
  await Promise.all(
    Array.from(
      { length: 50 },
      (_, index) =>
        new CacheFile(directory, host).change(async (cache) => {
          await cache.write(withLogin(await cache.read(), `https://s${index}:9443`, LOGIN));
        }),
    ),
  );
  const { servers } = await new CacheFile(directory, host).read();
  assert.equal(Object.keys(servers).length, 50);
  const names = await Array.fromAsync(Deno.readDir(directory), ({ name }) => name);
  assert.deepEqual(names.sort(), ["tokens.json", "tokens.json.lock"]);
  for (const name of names) {
    assert.equal(((await Deno.stat(`${directory}/${name}`)).mode ?? 0) & 0o077, 0, name);
  }
  assert.equal(((await Deno.stat(directory)).mode ?? 0) & 0o777, 0o700);
});

Deno.test("CLI-33: a change that fails leaves the cache as it was, and the lock free", async () => {
  await using dir = await tempDir();
  const cache = new CacheFile(dir.path, memoryHost({}));
  await cache.change((locked) => locked.write(withLogin(EMPTY_CACHE, A, LOGIN)));
  await assert.rejects(cache.change(() => Promise.reject(new Error("no"))), /no/);
  await cache.change(async (locked) => {
    await locked.prepare();
    assert.equal((await locked.read()).default_server, A);
  });
});

Deno.test("CLI-34: a folder in its place, or one that is too large, is refused", async () => {
  await using dir = await tempDir();
  const cache = new CacheFile(dir.path, memoryHost({}));
  await Deno.mkdir(cache.path);
  await assert.rejects(cache.read(), { exitCode: 2, message: /must be 0600/ });
  await Deno.remove(cache.path);
  await Deno.writeTextFile(cache.path, " ".repeat(5 << 20), { mode: 0o600 });
  await assert.rejects(cache.read(), { exitCode: 2, message: /too large/ });
});
