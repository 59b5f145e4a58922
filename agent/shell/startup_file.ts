/** The descriptor by which bash tells what it runs; see `ffi/spawn_request.ts`, `passedFd`. */
const LOG_DESCRIPTOR = 4;

/** Begins each record of the command log; repeated by bash for every level of nesting. */
export const RECORD_START = "\x1e";
export const FIELD_END = "\x1f";
/** What bash runs before each prompt, so that the status of the last command is told. */
export const PROMPT_MARK = ": pact-prompt";

/** Builtins by which a person could leave the restrictions, silence the log, or act on the node. */
const DISABLED =
  "builtin command disown exec fc hash history kill set shopt suspend trap ulimit umask enable";

/** Variables that make programs load code, or start other programs (SHL-4). */
const FIXED = [
  "BASH_ENV ENV CDPATH GLOBIGNORE EDITOR VISUAL FCEDIT SYSTEMD_EDITOR MANPAGER LESSOPEN LESSCLOSE",
  "LD_AUDIT LD_BIND_NOT LD_DEBUG LD_DEBUG_OUTPUT LD_LIBRARY_PATH LD_ORIGIN_PATH LD_PRELOAD",
  "LD_PROFILE LD_PROFILE_OUTPUT LD_DYNAMIC_WEAK LD_USE_LOAD_BIAS GCONV_PATH LOCPATH NLSPATH",
  "MALLOC_TRACE RESOLV_HOST_CONF TERMINFO TERMINFO_DIRS TERMCAP PERL5LIB PERL5OPT PERLLIB",
  "PYTHONHOME PYTHONPATH PYTHONSTARTUP PYTHONINSPECT GIT_PAGER GREP_OPTIONS",
].join(" ");

/** The whole environment of a session's programs (SHL-4, WHL-3). */
export function shellEnvironment(
  session: { readonly bin: string; readonly home: string; readonly term: string },
): Readonly<Record<string, string>> {
  return {
    PATH: session.bin,
    HOME: session.home,
    SHELL: "/bin/rbash",
    TERM: session.term,
    LANG: "C.UTF-8",
    LC_ALL: "C.UTF-8",
    LESSSECURE: "1",
    PAGER: "cat",
    SYSTEMD_PAGER: "cat",
    SYSTEMD_LESS: "",
  };
}

/**
 * The text that bash reads at its start, before its restrictions apply (SHL-4, SHL-8, SHL-11). Every
 * command is told to the agent before it is run, by bash itself (its trace, on a descriptor of its own)
 * and not by a program: there is nothing to be replaced or killed.
 */
export function startupText({ sessionId, nodeId }: {
  readonly sessionId: string;
  readonly nodeId: string;
}): string {
  const [start, end] = ["\\x1e", "\\x1f"];
  return [
    "unset HISTFILE MAIL MAILPATH",
    "HISTSIZE=1000",
    `PS1='pact:${nodeId}> '`,
    "PS2='> '",
    `PS4=$'${start}$?${end}${sessionId}${end}$PWD${end}'`,
    `PROMPT_COMMAND='${PROMPT_MARK}'`,
    `BASH_XTRACEFD=${LOG_DESCRIPTOR}`,
    "umask 077",
    `readonly PS1 PS4 PROMPT_COMMAND BASH_XTRACEFD SHELLOPTS HOME ${FIXED}`,
    "readonly PAGER SYSTEMD_PAGER SYSTEMD_LESS LESSSECURE",
    "set -x",
    `enable -n ${DISABLED}`,
    "",
  ].join("\n");
}
