/**
 * Whether what is read from `url` can be believed: https, or a connection that never leaves this
 * machine. `allowInsecure` is somebody's explicit word that plain http will do (AUT-7).
 */
export function isSafeUrl(url: URL, allowInsecure: boolean): boolean {
  if (url.protocol === "https:") return true;
  return url.protocol === "http:" && (allowInsecure || isLoopback(url.hostname));
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" ||
    /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname);
}
