/** The bounds of HTTP/1.1 connections; times in milliseconds. */
export interface Http1Limits {
  /** From the first byte of a request to the end of its headers; 408 beyond. */
  headersTimeoutMs: number;
  /** From the first byte of a request to the end of its body; 408 beyond. */
  requestTimeoutMs: number;
  /** How long a connection may wait for its next request. */
  idleTimeoutMs: number;
}

export const defaultHttp1Limits: Http1Limits = {
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 60_000,
  idleTimeoutMs: 75_000,
};
