/** Why a listener could not be opened; the message names the listener and the reason (JRN-6). */
export class ListenError extends Error {
  override readonly name = "ListenError";

  constructor(
    readonly listener: string,
    readonly address: string,
    /** The system's code, such as EADDRINUSE. */
    readonly code: string,
  ) {
    super(`cannot open the ${listener} listener on ${address}: ${reasonFor(code)}`);
  }
}

function reasonFor(code: string): string {
  switch (code) {
    case "EADDRINUSE":
      return "the port is in use by another process";
    case "EADDRNOTAVAIL":
    case "EINVAL":
      return "this host has no such address";
    case "EACCES":
    case "EPERM":
      return "permission denied (ports below 1024 need privileges)";
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return "the host name does not resolve";
    case "ERR_SOCKET_BAD_PORT":
      return "the port is out of range";
    default:
      return code;
  }
}
