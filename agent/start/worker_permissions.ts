/**
 * What the network worker may do: the network, and nothing else. Whoever takes it over holds neither
 * a file nor a program nor the library (design: two isolates).
 */
export const WORKER_PERMISSIONS = {
  net: true,
  env: false,
  ffi: false,
  import: false,
  read: false,
  run: false,
  sys: false,
  write: false,
} as const;
