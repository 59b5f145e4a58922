/*
 * pact-namespaces: what has to happen inside of other namespaces, where no thread of the agent can go.
 *
 *   pact-namespaces hold TYPES UENV_BASE KEEP PINS
 *     Makes the namespaces of TYPES (p, n, m), prints `ok PID`, where /proc/PID/ns has them, and goes
 *     when its standard input ends. With p, PID is the first process of the PID namespace: it stays,
 *     reaps, and ends on SIGTERM. In a mount namespace nothing propagates in or out, the mounts below
 *     UENV_BASE other than KEEP (empty: all) are gone, and so is PINS.
 *   pact-namespaces bind NAMESPACE SOURCE TARGET
 *     Shows the mount at SOURCE, read-only, at TARGET of a mount namespace (its file).
 *   pact-namespaces unbind NAMESPACE TARGET
 *     Takes it away again; what is in use vanishes from sight at once.
 *
 * Where something fails the program prints `error WHAT: REASON` and ends with 1, having made nothing
 * that outlives it.
 */
#ifndef PACT_NAMESPACES_H
#define PACT_NAMESPACES_H

#include <stdbool.h>

/* Prints the error of errno and ends the program. */
_Noreturn void fail(const char *what);

/* Makes the calling process's new mount namespace private and takes from it what is others'. */
void tidy_mounts(const char *uenv_base, const char *keep, const char *pins);

int hold(const char *types, const char *uenv_base, const char *keep, const char *pins);
int bind_into(const char *namespace_file, const char *source, const char *target);
int unbind_from(const char *namespace_file, const char *target);

#endif
