/** Where SPIFFE agents put their socket; nothing else is there. */
const SPIRE_DIRECTORY = "/run/spire";

/**
 * What the network worker may do: the network, the socket of the machine's SPIFFE agent, and nothing
 * else. Whoever takes it over holds neither a file nor a program nor the library (design: two
 * isolates). A unix socket wants reading and writing of its path.
 */
export function workerPermissions(root: string = "") {
  return {
    net: true,
    env: false,
    ffi: false,
    import: false,
    read: [`${root}${SPIRE_DIRECTORY}`],
    run: false,
    sys: false,
    write: [`${root}${SPIRE_DIRECTORY}`],
  };
}
