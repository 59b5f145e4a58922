/** Where SPIFFE agents put their socket; nothing else is there. */
const SPIRE_DIRECTORY = "/run/spire";

/**
 * What the network worker may do: the network, the socket of the machine's SPIFFE agent, and nothing
 * else. Whoever takes it over holds neither a file nor a program nor the library (design: two
 * isolates). A unix socket wants reading and writing of its path; a process that may not do that
 * itself, because somebody runs it with less, has nothing to give.
 */
export function workerPermissions(root: string = "") {
  const path = `${root}${SPIRE_DIRECTORY}`;
  const isHeld = (["read", "write"] as const).every((name) =>
    Deno.permissions.querySync({ name, path }).state === "granted"
  );
  const files = isHeld ? [path] : false;
  return {
    net: true,
    env: false,
    ffi: false,
    import: false,
    read: files,
    run: false,
    sys: false,
    write: files,
  };
}
