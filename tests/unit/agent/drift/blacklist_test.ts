import assert from "node:assert/strict";
import fc from "fast-check";
import { compileBlacklist, MAX_PATTERNS } from "../../../../agent/drift/mod.ts";

/** The slow way to read BLK-2: every split of the path is tried. */
function slowMatch(pattern: readonly string[], path: readonly string[]): boolean {
  const [head, ...rest] = pattern;
  if (head === undefined) return path.length === 0;
  if (head === "**") {
    return Array.from(path, (_, taken) => taken).concat(path.length)
      .some((taken) => slowMatch(rest, path.slice(taken)));
  }
  const [segment, ...below] = path;
  return segment !== undefined && slowSegment(head, segment) && slowMatch(rest, below);
}

function slowSegment(pattern: string, segment: string): boolean {
  if (pattern === "") return segment === "";
  if (pattern[0] === "*") {
    return Array.from({ length: segment.length + 1 }, (_, taken) => taken)
      .some((taken) => slowSegment(pattern.slice(1), segment.slice(taken)));
  }
  if (segment === "") return false;
  return (pattern[0] === "?" || pattern[0] === segment[0]) &&
    slowSegment(pattern.slice(1), segment.slice(1));
}

const segment = fc.string({ unit: fc.constantFrom("a", "b", "."), minLength: 1, maxLength: 4 })
  .filter((text) => text !== "." && text !== "..");
const patternSegment = fc.oneof(
  segment,
  fc.constant("**"),
  fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), minLength: 1, maxLength: 4 })
    .filter((text) => text !== "**"),
);

Deno.test("ACC-O3: the compiled blacklist decides as a slow reference matcher does", () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(patternSegment, { minLength: 1, maxLength: 5 }), { maxLength: 6 }),
      fc.array(segment, { maxLength: 6 }),
      (patterns, path) => {
        const blacklist = compileBlacklist(patterns.map((parts) => "/x/" + parts.join("/")));
        assert.equal(
          blacklist.matchesPath("/x/" + path.join("/")),
          patterns.some((pattern) => slowMatch(pattern, path)),
        );
      },
    ),
    { numRuns: 2000 },
  );
});

Deno.test("BLK-2: /tmp/** matches /tmp and what is below, not a neighbour with the same prefix", () => {
  const blacklist = compileBlacklist([]);
  for (const listed of ["/tmp", "/tmp/", "/tmp/x", "/tmp/a/b/c", "//tmp//x"]) {
    assert.equal(blacklist.matchesPath(listed), true, listed);
  }
  for (const other of ["/tmpfoo", "/tmpfoo/x", "/etc/tmp", "/"]) {
    assert.equal(blacklist.matchesPath(other), false, other);
  }
});

Deno.test("BLK-4: dots are resolved in the text, and either end of a link counts", () => {
  const blacklist = compileBlacklist([]);
  assert.equal(blacklist.matchesPath("/etc/../tmp/x"), true);
  assert.equal(blacklist.matchesPath("/tmp/../etc/motd"), false);
  assert.equal(blacklist.matchesPath("/tmp/./a/../b"), true);
  assert.equal(blacklist.matchesPath("/../../tmp/x"), true);
  assert.equal(blacklist.matchesPath("/etc/mtab", "/proc/self/mounts"), true);
  assert.equal(blacklist.matchesPath("/etc/motd", "/usr/share/motd"), false);
});

Deno.test("BLK-1: the default and built-in patterns stay, whatever list a policy pushes", () => {
  const blacklist = compileBlacklist(["/scratch/**"], []);
  assert.equal(blacklist.matchesPath("/run/pact/state/x"), true);
  assert.equal(blacklist.matchesPath("/run/lattice/x"), true);
  assert.equal(blacklist.matchesPath("/scratch/job"), true);
});

Deno.test("BLK-3: kernel keys and interfaces are listed by pseudo paths", () => {
  const blacklist = compileBlacklist(["sysctl/net.ipv4.conf.*", "net/veth*"]);
  assert.equal(blacklist.matchesItem("kernel", "net.ipv4.conf.eth0.rp_filter"), true);
  assert.equal(blacklist.matchesItem("kernel", "vm.swappiness"), false);
  assert.equal(blacklist.matchesItem("network", "veth12"), true);
  assert.equal(blacklist.matchesItem("network", "eth0"), false);
  assert.equal(blacklist.matchesItem("services", "net/veth1"), false);
});

Deno.test("BLK-2: what is neither absolute nor a pseudo path is refused with its reason", () => {
  const blacklist = compileBlacklist(["tmp/**", "/ok/*"]);
  assert.deepEqual(blacklist.refused, [{
    pattern: "tmp/**",
    reason: "neither absolute nor below sysctl/ or net/",
  }]);
  assert.equal(blacklist.matchesPath("/ok/x"), true);
});

Deno.test("BLK-6: 5000 patterns are matched far faster than events arrive", () => {
  const patterns = Array.from(
    { length: MAX_PATTERNS },
    (_, at) => `/srv/d${at}/**/*.l?g`,
  );
  const blacklist = compileBlacklist(patterns.slice(0, MAX_PATTERNS - 20));
  const started = performance.now();
  for (let at = 0; at < 1000; at++) {
    assert.equal(blacklist.matchesPath(`/srv/d${at}/a/b/c/x.log`), true);
    assert.equal(blacklist.matchesPath(`/srv/d${at}/a/b/c/x.txt`), false);
  }
  // It takes some 20 ms; trying each pattern by itself would take a hundred times as long.
  assert.ok(performance.now() - started < 2_000, "2000 decisions took over two seconds");
});
