/**
 * Questions about the options of a command line. They err on the side of a match: programs accept
 * abbreviated long options, clusters of short ones and values written right behind them.
 *
 * @module
 */

/** Whether any argument is, or could be read as, the long option `name` (without dashes). */
export function hasLong(args: readonly string[], ...names: readonly string[]): boolean {
  return options(args).some((arg) => {
    if (!arg.startsWith("--") || arg === "--") return false;
    const given = arg.slice(2).split("=", 1)[0] ?? "";
    return names.some((name) => name.startsWith(given) || given.startsWith(`${name}-`));
  });
}

/** Whether any argument is a cluster of short options with one of `letters` in it. */
export function hasShort(args: readonly string[], letters: string): boolean {
  return options(args).some((arg) =>
    /^-[^-]/.test(arg) && [...letters].some((letter) => arg.slice(1).includes(letter))
  );
}

/** Whether an argument is one of `words`, alone or with `=value`. */
export function hasWord(args: readonly string[], ...words: readonly string[]): boolean {
  return args.some((arg) => words.includes(arg.split("=", 1)[0] ?? ""));
}

/** The arguments that are no options; the values of `valued` options are left out too. */
export function operands(args: readonly string[], valued: readonly string[] = []): string[] {
  const found: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? "";
    if (arg === "--") return [...found, ...args.slice(at + 1)];
    if (valued.includes(arg)) at++;
    else if (!arg.startsWith("-") || arg === "-") found.push(arg);
  }
  return found;
}

/** The values of an option, given as `--name VALUE` or `--name=VALUE`. */
export function valuesOf(args: readonly string[], ...names: readonly string[]): string[] {
  return args.flatMap((arg, at) => {
    if (names.includes(arg)) return [args[at + 1] ?? ""];
    return names.filter((name) => arg.startsWith(`${name}=`)).map((name) =>
      arg.slice(name.length + 1)
    );
  });
}

/** What stands before `--`. */
function options(args: readonly string[]): readonly string[] {
  const end = args.indexOf("--");
  return end < 0 ? args : args.slice(0, end);
}
