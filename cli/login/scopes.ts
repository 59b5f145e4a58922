/**
 * The scopes to ask for: those that the site names, and what the provider has for long sessions and
 * for roles by group (CLI-30).
 */
export function scopesToAsk(
  named: readonly string[],
  supported: readonly string[] | undefined,
): string[] {
  const extra = ["offline_access", "groups"].filter((scope) => supported?.includes(scope));
  return [...new Set([...named, ...extra])];
}
