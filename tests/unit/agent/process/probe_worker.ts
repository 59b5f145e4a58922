/// <reference lib="deno.worker" />

const PLACE = new URL("https://example.org").origin;

/** What a worker that was taken over would try. */
const ATTEMPTS: Readonly<Record<string, () => unknown>> = {
  "load the library": () => Deno.dlopen("/usr/lib/pact/libpact_shim.so", {}),
  "load libc": () => Deno.dlopen("libc.so.6", {}),
  "run a program": () => new Deno.Command("/bin/true").outputSync(),
  "read a file": () => Deno.readTextFileSync("/etc/hostname"),
  "read the agent's state": () => Deno.readFileSync("/run/pact/state/identity.bin"),
  "write a file": () => Deno.writeTextFileSync("/run/pact/probe", "x"),
  "read a variable": () => Deno.env.get("HOME"),
  "set a variable": () => Deno.env.set("PATH", "/tmp"),
  "ask for the host name": () => Deno.hostname(),
  "send a signal": () => Deno.kill(1, "SIGCONT"),
  "load code": () => import(`${PLACE}/code.ts`),
  "start a worker with more": () =>
    new Worker(import.meta.url, { type: "module", deno: { permissions: { run: true } } }),
};

/** `refused` for want of a permission; what else went wrong in its own words. */
function refusalOf(error: unknown): string {
  const isRefused = error instanceof Deno.errors.NotCapable ||
    (error instanceof TypeError && error.message.startsWith("Requires import access"));
  return isRefused ? "refused" : String(error);
}

const BURN_MS = 1_000;

addEventListener("message", async ({ data }) => {
  if (data === "burn") {
    const endMs = performance.now() + BURN_MS;
    while (performance.now() < endMs) Math.sqrt(endMs);
    return postMessage("burnt");
  }
  const outcomes: Record<string, string> = {};
  for (const [what, attempt] of Object.entries(ATTEMPTS)) {
    try {
      await attempt();
      outcomes[what] = "done";
    } catch (error) {
      outcomes[what] = refusalOf(error);
    }
  }
  postMessage(outcomes);
});
postMessage("started");
