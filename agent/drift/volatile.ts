const VOLATILE = [
  /^kernel\.random\./,
  /^fs\.[^.]*-nr$/,
  /^fs\.(?:inode|dentry)-state$/,
  /^kernel\.ns_last_pid$/,
  /^kernel\.pty\.nr$/,
  /^net\.netfilter\.nf_conntrack_count$/,
  /\.stat$/,
];

/** Whether the kernel itself changes this sysctl all the time, so that it never counts (OBS-8). */
export function isVolatileSysctl(key: string): boolean {
  return VOLATILE.some((pattern) => pattern.test(key));
}
